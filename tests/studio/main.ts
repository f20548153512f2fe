import { mountStudio } from '../../src/studio/mount.tsx';
import { fixtureEngine } from './fixtureEngine.ts';

const root = document.getElementById('root');
if (root) mountStudio(root, { engine: fixtureEngine, lost: new Promise(() => undefined) });
