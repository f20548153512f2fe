import type { ReactNode } from 'react';
import type { DataCard } from '../../../engine/api.ts';
import { Panel } from '../../components/Panel.tsx';
import { Stats, type Stat } from '../../components/Stats.tsx';
import { formatCount, formatShare, formatShort, plural } from '../../logic/format.ts';
import { evaluationText, rowsInFile } from '../../logic/rows.ts';
import { isClassifierTask } from '../../logic/tasks.ts';
import { DataOptionsForm } from './DataOptionsForm.tsx';
import { Histogram } from './Histogram.tsx';
import { LabelChart } from './LabelChart.tsx';
import styles from './DataCardPanel.module.css';

export function DataCardPanel({ card, busy }: { card: DataCard; busy: boolean }): ReactNode {
  const readsImages = card.taskType === 'IMAGE_CLS';
  const unit = readsImages ? 'images' : card.taskType === 'TOKEN_CLS' ? 'words' : 'rows';
  return (
    <Panel title={card.name} hint={card.format}>
      <div aria-busy={busy} className={busy ? styles.stale : undefined}>
        <Stats stats={readsImages ? imageFigures(card) : rowFigures(card)} />
      </div>
      <div className={styles.below}>
        {card.labels && <LabelChart labels={card.labels} unit={unit} />}
        {!readsImages && <Histogram card={card} />}
        <DataOptionsForm card={card} />
      </div>
    </Panel>
  );
}

function imageFigures(card: DataCard): Stat[] {
  return [
    { label: 'Images', value: formatCount(rowsInFile(card)), note: evaluationText(card) },
    labelFigure(card),
    droppedFigure(card, 'every image is used', 'no label, or broken'),
  ];
}

function rowFigures(card: DataCard): Stat[] {
  const learned = card.tokens > 0 ? card.learnedTokens / card.tokens : 0;
  return [
    { label: 'Rows', value: formatCount(rowsInFile(card)), note: evaluationText(card) },
    { label: 'Tokens', value: formatShort(card.tokens), note: `longest row ${formatCount(card.longestRow)}` },
    isClassifierTask(card.taskType)
      ? labelFigure(card)
      : {
          label: 'Learned',
          value: formatShare(learned),
          note: `${formatShort(card.learnedTokens)} tokens carry a loss`,
        },
    {
      label: 'Cut',
      value: formatCount(card.cutRows),
      note: card.cutRows > 0 ? 'longer than the length' : 'every row fits',
    },
    droppedFigure(card, 'every row is used', 'nothing to learn, or broken'),
  ];
}

function labelFigure({ labels }: DataCard): Stat {
  if (labels?.values) return { label: 'Labels', value: 'Numbers', note: 'to be estimated' };
  const kind = labels?.problemType === 'multi_label_classification' ? 'several at once' : 'one for each';
  const unused = labels?.counts.filter(({ count }) => count === 0).length ?? 0;
  const note = unused > 0 ? `${plural(unused, 'label')} never used` : kind;
  return { label: 'Labels', value: formatCount(labels?.counts.length ?? 0), note };
}

function droppedFigure({ droppedRows }: DataCard, none: string, some: string): Stat {
  return { label: 'Dropped', value: formatCount(droppedRows), note: droppedRows > 0 ? some : none };
}
