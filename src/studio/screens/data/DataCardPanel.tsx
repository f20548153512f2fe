import type { ReactNode } from 'react';
import type { DataCard } from '../../../engine/api.ts';
import { Panel } from '../../components/Panel.tsx';
import { Stats } from '../../components/Stats.tsx';
import { formatCount, formatShare, formatShort } from '../../logic/format.ts';
import { evaluationText, rowsInFile } from '../../logic/rows.ts';
import { DataOptionsForm } from './DataOptionsForm.tsx';
import { Histogram } from './Histogram.tsx';
import styles from './DataCardPanel.module.css';

export function DataCardPanel({ card, busy }: { card: DataCard; busy: boolean }): ReactNode {
  const learned = card.tokens > 0 ? card.learnedTokens / card.tokens : 0;
  return (
    <Panel title={card.name} hint={card.format}>
      <div aria-busy={busy} className={busy ? styles.stale : undefined}>
        <Stats
          stats={[
            {
              label: 'Rows',
              value: formatCount(rowsInFile(card)),
              note: evaluationText(card),
            },
            { label: 'Tokens', value: formatShort(card.tokens), note: `longest row ${formatCount(card.longestRow)}` },
            {
              label: 'Learned',
              value: formatShare(learned),
              note: `${formatShort(card.learnedTokens)} tokens carry a loss`,
            },
            {
              label: 'Cut',
              value: formatCount(card.cutRows),
              note: card.cutRows > 0 ? 'longer than the length' : 'every row fits',
            },
            {
              label: 'Dropped',
              value: formatCount(card.droppedRows),
              note: card.droppedRows > 0 ? 'nothing to learn, or broken' : 'every row is used',
            },
          ]}
        />
      </div>
      <div className={styles.below}>
        <Histogram card={card} />
        <DataOptionsForm card={card} />
      </div>
    </Panel>
  );
}
