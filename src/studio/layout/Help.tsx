import type { ReactNode } from 'react';
import { closeHelp } from '../commands/machine.ts';
import { Dialog } from '../components/Dialog.tsx';
import { useStudio } from '../state/store.ts';
import styles from './Help.module.css';

const keys: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['1', '…', '6'], 'Open a screen'],
  [['Ctrl', 'Enter'], 'Start training; in the Playground, send (Cmd on a Mac)'],
  [['P'], 'Pause or continue the run'],
  [['?'], 'This help'],
];

export function Help(): ReactNode {
  const open = useStudio((state) => state.machine.helpOpen);
  return (
    <Dialog title="How Graft works" open={open} onClose={closeHelp}>
      <div className={styles.body}>
        <p>
          Graft teaches a language model from your examples. The model itself stays as it is; a small adapter beside it
          learns, and you download that adapter. Hugging Face PEFT loads it as its own.
        </p>
        <p>Everything happens in this tab, on the GPU of this computer. No file is uploaded anywhere.</p>
        <ol className={styles.steps}>
          <li>Open a model, or try the sample.</li>
          <li>Add examples, and look at a row to see what is learned.</li>
          <li>Start. Watch the loss fall.</li>
          <li>Compare the tuned model with its base, then download the adapter.</li>
        </ol>
        <h3>Keyboard</h3>
        <dl className={styles.keys}>
          {keys.map(([parts, what]) => (
            <div key={what}>
              <dt>{parts.map((part) => (part === '…' ? ' to ' : <kbd key={part}>{part}</kbd>))}</dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </div>
    </Dialog>
  );
}
