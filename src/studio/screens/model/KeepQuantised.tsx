import HardDriveDownload from 'lucide-react/icons/hard-drive-download';
import { useState } from 'react';
import type { ReactNode } from 'react';
import type { ModelCard, PricedWeights } from '../../../engine/api.ts';
import { keepQuantised } from '../../commands/model.ts';
import { stopQuantising } from '../../commands/quantise.ts';
import { Button } from '../../components/Button.tsx';
import { freshStart } from '../../components/freshStart.ts';
import { ErrorNotice } from '../../components/Notice.tsx';
import { WorkProgress } from '../../components/Progress.tsx';
import { Switch } from '../../components/Switch.tsx';
import { formatBytes } from '../../logic/format.ts';
import { isActive } from '../../logic/readiness.ts';
import { whyNoRoom } from '../../logic/room.ts';
import { bytesOf, reasonOf } from '../../logic/weightChoices.ts';
import { useStudio } from '../../state/store.ts';
import common from './WeightErrors.module.css';

/** The quantised model as a model of its own in the library, with or without the original. */
export function KeepQuantised({ card, priced }: { card: ModelCard; priced: PricedWeights }): ReactNode {
  const [replaces, setReplaces] = useState(false);
  const keeping = useStudio((state) => state.quantise.keeping);
  const isKeepingOriginal = useStudio((state) => state.model.keeping.busy);
  const storage = useStudio((state) => state.machine.storage);
  const isTraining = useStudio((state) => isActive(state.run.status));
  const bytes = bytesOf(priced.copy);
  const reason = storage?.heldElsewhere
    ? 'Another tab has the library open, so nothing can be kept from this one.'
    : (reasonOf(priced.copy) ?? (storage && whyNoRoom(storage, bytes ?? 0)));
  const keep = async (): Promise<void> => {
    if (await keepQuantised(priced, replaces && card.isStored)) freshStart();
  };
  return (
    <section aria-labelledby="keep-quantised">
      <h3 id="keep-quantised" className={common.title}>
        Keep it quantised
      </h3>
      <p id="keep-quantised-size" className={common.text}>
        {reason ??
          `A copy of ${formatBytes(bytes ?? 0)} in this browser's library, that opens quantised at once. The original has ${formatBytes(card.fileBytes)}.`}
      </p>
      {reason === null && card.isStored && (
        <div className={common.work}>
          <Switch
            label={`Then delete the original's copy, ${formatBytes(card.fileBytes)}`}
            hint="Runs that were trained on the original need it to be resumed. Files on disk stay where they are."
            checked={replaces}
            disabled={keeping.busy}
            onChange={setReplaces}
          />
        </div>
      )}
      {keeping.error && <ErrorNotice error={keeping.error} />}
      {keeping.busy ? (
        <div className={common.work}>
          <WorkProgress progress={keeping.progress} fallback="Quantising into the library" />
          <Button size="small" onClick={() => void stopQuantising('keep')}>
            Stop<span className="visually-hidden"> keeping the copy</span>
          </Button>
        </div>
      ) : (
        <div className={common.work}>
          <Button
            size="small"
            icon={<HardDriveDownload />}
            aria-describedby="keep-quantised-size"
            disabled={reason !== null || isTraining || isKeepingOriginal}
            onClick={() => void keep()}
          >
            Keep the quantised copy
          </Button>
        </div>
      )}
    </section>
  );
}
