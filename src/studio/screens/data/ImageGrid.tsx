import type { ReactNode } from 'react';
import type { DataCard } from '../../../engine/api.ts';
import { showImages, shownImages } from '../../commands/data.ts';
import { ErrorNotice } from '../../components/Notice.tsx';
import { Panel } from '../../components/Panel.tsx';
import { Select } from '../../components/Select.tsx';
import { Thumbnail } from '../../components/Thumbnail.tsx';
import { useStudio } from '../../state/store.ts';
import styles from './ImageGrid.module.css';

/** The first images with their labels, of all classes in turn or of one. */
export function ImageGrid({ card }: { card: DataCard }): ReactNode {
  const { images, imageLabel, rowError } = useStudio((state) => state.data);
  const labels = (card.labels?.counts ?? []).filter(({ count }) => count > 0);
  const options = [
    { value: '', label: 'All labels in turn' },
    ...labels.map(({ label, count }) => ({ value: label, label: `${label} (${count})` })),
  ];
  return (
    <Panel
      title="The images"
      hint={`The first ${Math.min(shownImages, images.length)} of them, as they lie in the folder.`}
      aside={
        labels.length > 1 && (
          <Select
            label="Images of"
            value={imageLabel ?? ''}
            options={options}
            onChange={(label) => void showImages(label === '' ? null : label)}
          />
        )
      }
    >
      {rowError && <ErrorNotice error={rowError} />}
      <ul className={styles.grid}>
        {images.map(({ path, label, blob }) => (
          <li key={path} className={styles.item}>
            <Thumbnail blob={blob} alt={`${path}, labelled ${label}`} />
            <span className={styles.label}>{label}</span>
            <span className={styles.path}>{path}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
