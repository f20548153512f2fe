import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import type { EngineConnection } from '../engine/client.ts';
import { attachEngine } from './commands/engine.ts';
import { startStudio } from './commands/start.ts';
import { restoreTheme } from './commands/machine.ts';
import { Studio } from './Studio.tsx';
import './styles/base.css';

/** Puts the studio on the page, with this engine behind it. */
export function mountStudio(root: HTMLElement, connection: EngineConnection): void {
  attachEngine(connection);
  restoreTheme();
  void startStudio();
  createRoot(root).render(
    <StrictMode>
      <Studio />
    </StrictMode>,
  );
}
