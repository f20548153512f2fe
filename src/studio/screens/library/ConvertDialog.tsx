import Shrink from 'lucide-react/icons/shrink';
import { useState } from 'react';
import type { ReactNode } from 'react';
import type { AdapterSummary, ConvertedAdapter } from '../../../engine/api.ts';
import { convertToLora } from '../../commands/workshop.ts';
import { Button, IconButton } from '../../components/Button.tsx';
import { Dialog } from '../../components/Dialog.tsx';
import { ErrorNotice, Notice } from '../../components/Notice.tsx';
import { NumberInput } from '../../components/NumberInput.tsx';
import { ProgressBar } from '../../components/Progress.tsx';
import { Segments } from '../../components/Segments.tsx';
import { formatShare } from '../../logic/format.ts';
import { changesWeights } from '../../logic/methodGroups.ts';
import { idleJob } from '../../state/job.ts';
import { useStudio } from '../../state/store.ts';
import styles from './Workshop.module.css';

/** Makes a LoRA of an adapter that changes weights some other way, or of a LoRA one with a lower rank. */
export function ConvertButton({ adapter }: { adapter: AdapterSummary }): ReactNode {
  const [open, setOpen] = useState(false);
  const method = useStudio((state) => state.method.methods.find(({ peftType }) => peftType === adapter.peftType));
  if (!method || !changesWeights(method)) return null;
  return (
    <>
      <IconButton label={`Convert ${adapter.name} to LoRA`} onClick={() => setOpen(true)}>
        <Shrink />
      </IconButton>
      <Dialog title="Convert to LoRA" open={open} onClose={() => setOpen(false)}>
        <ConvertForm adapter={adapter} />
      </Dialog>
    </>
  );
}

function ConvertForm({ adapter }: { adapter: AdapterSummary }): ReactNode {
  const model = useStudio((state) => state.model.card);
  const [by, setBy] = useState<'rank' | 'share'>('rank');
  const [rank, setRank] = useState(16);
  const [share, setShare] = useState(0.9);
  const [job, setJob] = useState(idleJob);
  const [made, setMade] = useState<ConvertedAdapter>();
  const convert = async (): Promise<void> => {
    setMade(await convertToLora(adapter.id, by === 'rank' ? { rank } : { share }, setJob));
  };
  return (
    <div className={styles.form}>
      <p className={styles.help}>
        {adapter.name} becomes a LoRA that every tool can load, by the singular values of its change to each layer of{' '}
        {adapter.baseModel}.
      </p>
      {!model && <Notice tone="warn">Open {adapter.baseModel} on the Model screen first.</Notice>}
      <Segments
        label="What decides the size"
        value={by}
        options={[
          { value: 'rank', label: 'A rank for all layers' },
          { value: 'share', label: 'A share of the change' },
        ]}
        onChange={setBy}
      />
      {by === 'rank' ? (
        <label className={styles.field}>
          Rank
          <NumberInput label="Rank" kind="integer" minimum={1} value={rank} onChange={setRank} />
        </label>
      ) : (
        <label className={styles.field}>
          Share of each layer’s change
          <NumberInput
            label="Share of each layer’s change"
            kind="number"
            minimum={0.01}
            maximum={1}
            value={share}
            onChange={setShare}
          />
        </label>
      )}
      {job.error && <ErrorNotice error={job.error} />}
      {job.busy && (
        <ProgressBar
          label="Converting"
          share={job.progress ? job.progress.done / Math.max(1, job.progress.total) : null}
        />
      )}
      {made && <Kept made={made} />}
      <div className={styles.actions}>
        <Button look="primary" disabled={!model || job.busy} onClick={() => void convert()}>
          Convert
        </Button>
      </div>
    </div>
  );
}

/** How much of the adapter's change the LoRA holds. */
function Kept({ made: { adapter, energy, energyByModule } }: { made: ConvertedAdapter }): ReactNode {
  const layers = Object.entries(energyByModule).sort(([, a], [, b]) => a - b);
  return (
    <Notice tone="info" title={`It keeps ${formatShare(energy)} of the change`}>
      <p>{adapter.name} is in the library.</p>
      <details>
        <summary>By layer, the poorest first</summary>
        <ul className={styles.energies}>
          {layers.map(([path, kept]) => (
            <li key={path}>
              <code>{path}</code> <span>{formatShare(kept)}</span>
            </li>
          ))}
        </ul>
      </details>
    </Notice>
  );
}
