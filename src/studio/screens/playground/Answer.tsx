import { useId } from 'react';
import type { ReactNode } from 'react';
import { ErrorNotice } from '../../components/Notice.tsx';
import { formatNumber, plural } from '../../logic/format.ts';
import type { Column } from '../../state/playground.ts';
import type { GenerateResult } from '../../../engine/api.ts';
import { Classes } from './Classes.tsx';
import styles from './Answer.module.css';

interface Props {
  readonly title: string;
  readonly subtitle: ReactNode;
  readonly column: Column;
  readonly emptyText: string;
}

/** One side of the comparison; text appears as it is written. */
export function Answer({ title, subtitle, column, emptyText }: Props): ReactNode {
  const id = useId();
  return (
    <section className={styles.answer} aria-labelledby={id} aria-busy={column.status === 'writing'}>
      <header className={styles.head}>
        <h2 id={id} className={styles.title}>
          {title}
        </h2>
        <span className={styles.subtitle}>{subtitle}</span>
      </header>
      <Body column={column} emptyText={emptyText} />
      {column.result && <p className={styles.facts}>{factsText(column.result)}</p>}
    </section>
  );
}

function Body({ column, emptyText }: { column: Column; emptyText: string }): ReactNode {
  if (column.error) return <ErrorNotice error={column.error} />;
  if (column.status === 'empty') return <p className={styles.quiet}>{emptyText}</p>;
  if (column.status === 'waiting') return <p className={styles.quiet}>Its turn comes next.</p>;
  if (column.classes) return <Classes result={column.classes} />;
  return (
    <p className={styles.text}>
      {column.text}
      {column.status === 'writing' && <span className={styles.caret} aria-hidden="true" />}
    </p>
  );
}

function factsText({ newTokens, tokensPerSecond, stopped }: GenerateResult): string {
  const end = { 'end-of-turn': 'ended by itself', length: 'ended at the limit', cancelled: 'stopped' }[stopped];
  return `${plural(newTokens, 'token')} at ${formatNumber(Number(tokensPerSecond.toPrecision(3)))} a second, ${end}`;
}
