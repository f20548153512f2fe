import Lightbulb from 'lucide-react/icons/lightbulb';
import type { ReactNode } from 'react';
import { takeSettings } from '../../commands/method.ts';
import { Button } from '../../components/Button.tsx';
import type { Recommendation } from '../../logic/recommendation.ts';
import { hasSettings } from '../../logic/settings.ts';
import { useStudio } from '../../state/store.ts';
import styles from './Advice.module.css';

interface Props {
  readonly recommendation: Recommendation;
  readonly onTake: () => void;
}

/** What to begin with, and why. */
export function Recommended({ recommendation, onTake }: Props): ReactNode {
  const { peftType, fields, reason } = recommendation;
  const settings = useStudio((state) => state.method);
  const isTaken = settings.peftType === peftType && hasSettings(settings, fields);
  const take = (): void => {
    takeSettings(fields, peftType);
    onTake();
  };
  return (
    <div className={styles.advice}>
      <Lightbulb className={styles.icon} aria-hidden="true" />
      <p className={styles.text}>
        <strong>Recommended.</strong> {reason}
      </p>
      {!isTaken && (
        <Button size="small" onClick={take}>
          Use it
        </Button>
      )}
    </div>
  );
}
