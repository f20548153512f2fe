import Check from 'lucide-react/icons/check';
import X from 'lucide-react/icons/x';
import type { ReactNode } from 'react';
import type { ModelCard } from '../../../engine/api.ts';
import { classes } from '../../components/classes.ts';
import { Panel } from '../../components/Panel.tsx';
import { Stats } from '../../components/Stats.tsx';
import type { Stat } from '../../components/Stats.tsx';
import { formatBytes, formatCount, formatShort, plural } from '../../logic/format.ts';
import { mainFormat } from '../../logic/packing.ts';
import { chosenTask, readsSource, taskText } from '../../logic/tasks.ts';
import { useStudio } from '../../state/store.ts';
import { KeepSwitch } from './KeepSwitch.tsx';
import styles from './ModelCardPanel.module.css';

const abilityNames: Readonly<Record<ModelCard['abilities'][number]['name'], readonly [yes: string, no: string]>> = {
  train: ['Can be trained', 'Cannot be trained'],
  chat: ['Can chat', 'Cannot chat'],
  rewrite: ['Can turn texts into others', 'Cannot turn texts into others'],
  classify: ['Can classify', 'Cannot classify'],
  export: ['Adapter can be downloaded', 'Adapter cannot be downloaded'],
};

export function ModelCardPanel({ card }: { card: ModelCard }): ReactNode {
  const isSample = useStudio((state) => state.model.isSample);
  const [, ...others] = card.tasks;
  return (
    <Panel title={card.name} hint={`${card.architecture}, of the ${card.family} family`}>
      <Stats stats={figures(card)} />
      <p className={styles.suits}>
        <strong>{taskText(chosenTask(card, 'auto')).name}</strong>
        <span>{card.suits}</span>
        {card.tasks.length > 1 && (
          <span>
            Others can be chosen with the data: {others.map((task) => taskText(task).name.toLowerCase()).join(', ')}.
          </span>
        )}
      </p>
      <ul className={styles.abilities} aria-label="What works">
        {card.abilities.map(({ name, works, reason }) => (
          <li key={name} className={classes(styles.ability, works ? styles.works : styles.fails)}>
            {works ? <Check aria-hidden="true" /> : <X aria-hidden="true" />}
            <span>
              <strong>{abilityNames[name][works ? 0 : 1]}</strong>
              {reason && <span className={styles.reason}>{reason}</span>}
            </span>
          </li>
        ))}
      </ul>
      <div className={styles.foot}>
        {!isSample && <KeepSwitch card={card} />}
        <FileList card={card} />
      </div>
    </Panel>
  );
}

function figures(card: ModelCard): readonly Stat[] {
  return [
    {
      label: 'Parameters',
      value: formatShort(card.parameters),
      note: `${plural(card.layers, 'layer')}, width ${formatCount(card.hiddenSize)}`,
    },
    {
      label: 'On disk',
      value: formatBytes(card.fileBytes),
      note: `most of it ${mainFormat(card)}`,
    },
    ...(card.image ? imageFigures(card, card.image) : textFigures(card)),
  ];
}

function imageFigures(card: ModelCard, { height, width }: NonNullable<ModelCard['image']>): readonly Stat[] {
  return [
    { label: 'Images', value: `${width} × ${height}`, note: 'pixels; others are resized' },
    {
      label: 'Labels',
      value: card.labels.length > 0 ? formatCount(card.labels.length) : 'None yet',
      note: card.labels.length > 0 ? card.labels.slice(0, 4).join(', ') : 'they come with the data',
    },
  ];
}

function textFigures(card: ModelCard): readonly Stat[] {
  return [
    { label: 'Context', value: formatCount(card.contextLength), note: 'tokens at most' },
    {
      label: 'Vocabulary',
      value: formatCount(card.vocabSize),
      note: card.tiedEmbeddings ? 'head shares the embedding' : 'head of its own',
    },
    {
      label: 'Tokenizer',
      value: card.hasTokenizer ? 'Found' : 'Missing',
      note: card.hasChatTemplate
        ? 'with a chat template'
        : readsSource(card)
          ? 'for source and target'
          : 'without a chat template',
    },
  ];
}

function FileList({ card }: { card: ModelCard }): ReactNode {
  return (
    <details className={styles.files}>
      <summary>{plural(card.files.length, 'file')}</summary>
      <ul>
        {card.files.map((file) => (
          <li key={file.path}>
            <code>{file.path}</code>
            <span>{file.role}</span>
            <span className={styles.bytes}>{formatBytes(file.bytes)}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
