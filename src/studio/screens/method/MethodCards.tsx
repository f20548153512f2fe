import type { ReactNode } from 'react';
import type { MethodDescription } from '../../../engine/api.ts';
import { chooseMethod } from '../../commands/method.ts';
import { formatNumber } from '../../logic/format.ts';
import { useStudio } from '../../state/store.ts';
import styles from './MethodCards.module.css';

const recommended = 'LORA';

export function MethodCards(): ReactNode {
  const { methods, peftType } = useStudio((state) => state.method);
  return (
    <fieldset>
      <legend className="visually-hidden">Method</legend>
      <div className={styles.grid}>
        {methods.map((method) => (
          <MethodChoice key={method.peftType} method={method} checked={method.peftType === peftType} />
        ))}
      </div>
    </fieldset>
  );
}

function MethodChoice({ method, checked }: { method: MethodDescription; checked: boolean }): ReactNode {
  return (
    <label className={styles.card}>
      <input
        type="radio"
        name="method"
        className={styles.radio}
        checked={checked}
        onChange={() => chooseMethod(method.peftType)}
      />
      <span className={styles.head}>
        <span className={styles.name}>{method.name}</span>
        {method.peftType === recommended && <span className={styles.badge}>Recommended</span>}
      </span>
      <span className={styles.summary}>{method.summary}</span>
      <span className={styles.facts}>
        <code>{method.peftType}</code>
        <span>learning rate {formatNumber(method.learningRate)}</span>
      </span>
    </label>
  );
}
