import type { ReactNode } from 'react';
import { Notice } from '../../components/Notice.tsx';
import { Panel } from '../../components/Panel.tsx';
import { roomText } from '../../logic/room.ts';
import { useStudio } from '../../state/store.ts';
import styles from './StorageMeter.module.css';

export function StorageMeter(): ReactNode {
  const storage = useStudio((state) => state.machine.storage);
  if (!storage) return null;
  return (
    <Panel title="Storage">
      <p id="storage-text" className={styles.text}>
        {roomText(storage)}.{' '}
        {storage.persisted
          ? 'The browser has promised to keep it.'
          : 'The browser may clear it when the disk runs full, so download what you want to keep.'}
      </p>
      {storage.quota !== null && (
        <meter
          className={styles.meter}
          aria-labelledby="storage-text"
          min={0}
          max={1}
          low={0.7}
          high={0.9}
          optimum={0}
          value={storage.quota > 0 ? Math.min(1, storage.usage / storage.quota) : 0}
        />
      )}
      {storage.heldElsewhere && (
        <div className={styles.held}>
          <Notice tone="warn">Another tab has the library open. This tab reads it, but keeps nothing.</Notice>
        </div>
      )}
    </Panel>
  );
}
