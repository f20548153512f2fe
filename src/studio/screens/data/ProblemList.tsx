import type { ReactNode } from 'react';
import type { DataCard } from '../../../engine/api.ts';
import { Notice } from '../../components/Notice.tsx';
import { formatCount, plural } from '../../logic/format.ts';
import styles from './ProblemList.module.css';

const shownLines = 8;

export function ProblemList({ card }: { card: DataCard }): ReactNode {
  const total = card.problems.reduce((sum, problem) => sum + problem.count, 0);
  return (
    <Notice tone="warn" title={`${plural(total, 'thing')} to look at`}>
      <ul className={styles.list}>
        {card.problems.map((problem) => (
          <li key={problem.message}>
            {problem.message} <span className={styles.where}>{whereText(problem)}</span>
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function whereText({ count, lines }: DataCard['problems'][number]): string {
  // A single problem names its place itself.
  if (count === 1) return '';
  if (lines.length === 0) return `${formatCount(count)} times`;
  const more = count > shownLines ? ` and ${formatCount(count - Math.min(shownLines, lines.length))} more` : '';
  return `${lines.length === 1 ? 'Line' : 'Lines'} ${lines.slice(0, shownLines).map(formatCount).join(', ')}${more}.`;
}
