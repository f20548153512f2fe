import Lightbulb from 'lucide-react/icons/lightbulb';
import type { ReactNode } from 'react';
import { takeSettings } from '../../commands/method.ts';
import { Button } from '../../components/Button.tsx';
import type { Advice } from '../../logic/advice.ts';
import { valueText } from '../../logic/values.ts';
import { useAdvice } from '../../state/selectors.ts';
import styles from './Advice.module.css';

/** What has been measured that bears on the settings as they are, with its source. */
export function AdviceList(): ReactNode {
  const advice = useAdvice();
  if (advice.length === 0) return null;
  return (
    <ul className={styles.list} aria-label="Advice">
      {advice.map((piece) => (
        <Piece key={piece.id} advice={piece} />
      ))}
    </ul>
  );
}

function Piece({ advice: { text, source, apply } }: { advice: Advice }): ReactNode {
  return (
    <li className={styles.advice}>
      <Lightbulb className={styles.icon} aria-hidden="true" />
      <p className={styles.text}>
        {text}{' '}
        <a href={source.url} target="_blank" rel="noreferrer">
          {source.name}
        </a>
      </p>
      {apply && (
        <Button size="small" onClick={() => takeSettings(apply)}>
          Set{' '}
          {Object.entries(apply)
            .map(([name, value]) => `${name} ${valueText(value)}`)
            .join(', ')}
        </Button>
      )}
    </li>
  );
}
