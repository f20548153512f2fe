import type { ReactNode } from 'react';
import type { MemoryEstimate } from '../../../engine/api.ts';
import { Stats } from '../../components/Stats.tsx';
import { formatBytes, formatRatio, formatShare, formatShort } from '../../logic/format.ts';
import styles from './MethodFacts.module.css';

/** What the run takes as it is set, beside plain LoRA on the same run. */
export function MethodFacts({ estimate }: { estimate: MemoryEstimate }): ReactNode {
  const { trainableParameters, totalParameters, adapterBytes, total, loraTotal } = estimate;
  return (
    <div className={styles.facts}>
      <Stats
        stats={[
          {
            label: 'Trains',
            value: formatShare(trainableParameters / totalParameters),
            note: `${formatShort(trainableParameters)} of ${formatShort(totalParameters)} parameters`,
          },
          { label: 'File', value: formatBytes(adapterBytes) },
          {
            label: 'GPU memory',
            value: formatBytes(total),
            ...(loraTotal !== null && { note: `${formatRatio(total / loraTotal)} plain LoRA on this run` }),
          },
        ]}
      />
    </div>
  );
}
