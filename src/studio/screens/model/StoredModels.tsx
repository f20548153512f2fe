import Trash2 from 'lucide-react/icons/trash-2';
import type { ReactNode } from 'react';
import { deleteModel, openStoredModel } from '../../commands/model.ts';
import { Button } from '../../components/Button.tsx';
import { ConfirmButton } from '../../components/ConfirmButton.tsx';
import { Panel } from '../../components/Panel.tsx';
import { formatAgo, formatBytes } from '../../logic/format.ts';
import { useNow } from '../../components/useNow.ts';
import { useStudio } from '../../state/store.ts';
import styles from './StoredModels.module.css';

/** Models kept in this browser: open one again without its files. */
export function StoredModels({ title }: { title: string }): ReactNode {
  const { stored, card, opening } = useStudio((state) => state.model);
  const now = useNow(60_000);
  if (stored.length === 0) return null;
  return (
    <Panel title={title}>
      <ul className={styles.list}>
        {stored.map((model) => (
          <li key={model.id} className={styles.item}>
            <div className={styles.words}>
              <p className={styles.name}>{model.name}</p>
              <p className={styles.facts}>
                {formatBytes(model.bytes)}, used {formatAgo(model.lastUsed, now)}
              </p>
            </div>
            {card?.id === model.id ? (
              <span className={styles.open}>Open</span>
            ) : (
              <Button size="small" disabled={opening.busy} onClick={() => void openStoredModel(model.id)}>
                Open<span className="visually-hidden"> {model.name}</span>
              </Button>
            )}
            <ConfirmButton
              iconOnly
              icon={<Trash2 />}
              label={`Delete ${model.name}`}
              title="Delete this model from the browser?"
              question={`${model.name} is removed from this browser. Its original files on disk stay where they are.`}
              confirmLabel="Delete"
              onConfirm={() => void deleteModel(model.id)}
            />
          </li>
        ))}
      </ul>
    </Panel>
  );
}
