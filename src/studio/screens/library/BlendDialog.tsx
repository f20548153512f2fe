import Blend from 'lucide-react/icons/blend';
import { useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import type { CombinationDescription } from '../../../engine/api.ts';
import { blendAdapters, loadCombinations } from '../../commands/workshop.ts';
import { Button } from '../../components/Button.tsx';
import { Dialog } from '../../components/Dialog.tsx';
import input from '../../components/Input.module.css';
import { ErrorNotice } from '../../components/Notice.tsx';
import { NumberInput } from '../../components/NumberInput.tsx';
import { ProgressBar } from '../../components/Progress.tsx';
import { blendable, blendOptions, usualBlend } from '../../logic/blending.ts';
import type { BlendForm } from '../../logic/blending.ts';
import { formatDate } from '../../logic/format.ts';
import { idleJob } from '../../state/job.ts';
import { useStudio } from '../../state/store.ts';
import { BlendSettings } from './BlendSettings.tsx';
import styles from './Workshop.module.css';

/** Makes one LoRA adapter of several; there while two adapters of one base model are. */
export function BlendButton(): ReactNode {
  const [open, setOpen] = useState(false);
  const adapters = useStudio((state) => state.library.adapters);
  if (blendable(adapters).length === 0) return null;
  return (
    <>
      <Button size="small" icon={<Blend />} onClick={() => setOpen(true)}>
        Blend
      </Button>
      <Dialog title="Blend adapters" open={open} onClose={() => setOpen(false)}>
        <BlendForm onDone={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function BlendForm({ onDone }: { onDone: () => void }): ReactNode {
  const groups = blendable(useStudio((state) => state.library.adapters));
  const [base, setBase] = useState(groups[0]?.base);
  const [weights, setWeights] = useState<Readonly<Record<string, number>>>({});
  const [combinations, setCombinations] = useState<readonly CombinationDescription[]>([]);
  const [chosen, setChosen] = useState('cat');
  const [form, setForm] = useState<BlendForm>(usualBlend);
  const [job, setJob] = useState(idleJob);
  useEffect(() => void loadCombinations().then(setCombinations), []);
  const combination = combinations.find(({ name }) => name === chosen);
  const adapters = groups.find((group) => group.base === base)?.adapters ?? [];
  const parts = adapters.flatMap(({ id }) => (id in weights ? [{ id, weight: weights[id] ?? 1 }] : []));
  const take = (id: string, on: boolean): void => {
    const { [id]: _, ...others } = weights;
    setWeights(on ? { ...others, [id]: 1 } : others);
  };
  const blend = async (): Promise<void> => {
    if (combination && (await blendAdapters(parts, blendOptions(combination, form), setJob))) onDone();
  };
  return (
    <div className={styles.form}>
      {groups.length > 1 && (
        <label className={styles.field}>
          Base model
          <select className={input.input} value={base} onChange={({ target }) => setBase(target.value)}>
            {groups.map((group) => (
              <option key={group.base}>{group.base}</option>
            ))}
          </select>
        </label>
      )}
      <fieldset className={styles.parts}>
        <legend>Adapters and their weights</legend>
        {adapters.map(({ id, name, createdAt }) => (
          <div key={id} className={styles.part}>
            <label>
              <input type="checkbox" checked={id in weights} onChange={({ target }) => take(id, target.checked)} />
              <span>
                {name}
                <span className={styles.date}>{formatDate(createdAt)}</span>
              </span>
            </label>
            {id in weights && (
              <NumberInput
                label={`Weight of ${name}`}
                kind="number"
                value={weights[id] ?? 1}
                onChange={(weight) => setWeights({ ...weights, [id]: weight })}
              />
            )}
          </div>
        ))}
      </fieldset>
      <BlendSettings
        combinations={combinations}
        combination={combination}
        form={form}
        onChoose={setChosen}
        onChange={(change) => setForm({ ...form, ...change })}
      />
      {job.error && <ErrorNotice error={job.error} />}
      {job.progress && <ProgressBar label="Blending" share={job.progress.done / Math.max(1, job.progress.total)} />}
      <div className={styles.actions}>
        <Button look="primary" disabled={parts.length < 2 || job.busy || !combination} onClick={() => void blend()}>
          {parts.length < 2 ? 'Choose two adapters or more' : `Blend ${parts.length} adapters`}
        </Button>
      </div>
    </div>
  );
}
