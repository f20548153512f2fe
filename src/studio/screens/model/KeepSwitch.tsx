import type { ReactNode } from 'react';
import type { ModelCard } from '../../../engine/api.ts';
import { deleteModel, keepModel } from '../../commands/model.ts';
import { ErrorNotice } from '../../components/Notice.tsx';
import { WorkProgress } from '../../components/Progress.tsx';
import { Switch } from '../../components/Switch.tsx';
import { formatBytes } from '../../logic/format.ts';
import { useStudio } from '../../state/store.ts';
import styles from './KeepSwitch.module.css';

/** The copy in this browser, which makes a run resumable after a reload. */
export function KeepSwitch({ card }: { card: ModelCard }): ReactNode {
  const keeping = useStudio((state) => state.model.keeping);
  const heldElsewhere = useStudio((state) => state.machine.storage?.heldElsewhere ?? false);
  const hint = heldElsewhere
    ? 'Another tab has the library open, so nothing can be kept from this one.'
    : `A copy of ${formatBytes(card.fileBytes)} in this browser, so that it opens at once next time and runs can be resumed.`;
  return (
    <div className={styles.keep}>
      <Switch
        label="Keep on this device"
        hint={hint}
        checked={card.isStored || keeping.busy}
        disabled={keeping.busy || heldElsewhere}
        onChange={(keep) => void (keep ? keepModel() : deleteModel(card.id))}
      />
      {keeping.busy && <WorkProgress progress={keeping.progress} fallback="Keeping a copy" />}
      {keeping.error && <ErrorNotice error={keeping.error} />}
    </div>
  );
}
