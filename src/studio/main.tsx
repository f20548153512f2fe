import { connectEngine } from '../engine/client.ts';
import { mountStudio } from './mount.tsx';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element with id root.');
mountStudio(root, connectEngine(new URL('demo/', document.baseURI).href));
