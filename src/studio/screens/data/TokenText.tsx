import type { ReactNode } from 'react';
import type { TokenView } from '../../../engine/api.ts';
import { classes } from '../../components/classes.ts';
import { formatCount } from '../../logic/format.ts';
import { tokenRuns } from '../../logic/tokenRuns.ts';
import styles from './TokenText.module.css';

/** More than this many tokens would make the page slow; the rest is counted. */
const shownTokens = 4000;

const partNames: Readonly<Record<TokenView['part'], string>> = { learned: 'Learned', context: 'Context', cut: 'Cut' };

interface Props {
  readonly tokens: readonly TokenView[];
  /** the parts that it can have, for the legend */
  readonly parts: readonly TokenView['part'][];
}

export function TokenText({ tokens, parts }: Props): ReactNode {
  const shown = tokens.slice(0, shownTokens);
  return (
    <>
      <ul className={styles.legend}>
        {parts.map((part) => (
          <li key={part}>
            <span className={classes(styles.token, styles[part])}>{partNames[part]}</span>
            <span className={styles.count}>
              {formatCount(tokens.filter((token) => token.part === part).length)} tokens
            </span>
          </li>
        ))}
      </ul>
      <p className={styles.text}>
        {tokenRuns(shown).map((run) => (
          <span key={run.start}>
            <span className="visually-hidden">{partNames[run.part]}: </span>
            {run.tokens.map((token, offset) => (
              <span
                key={run.start + offset}
                className={classes(styles.token, styles[token.part], token.special && styles.special)}
                title={`Token ${token.id}, ${partNames[token.part].toLowerCase()}`}
              >
                {token.text}
                {token.label !== undefined && <span className={styles.label}>{token.label}</span>}
              </span>
            ))}
          </span>
        ))}
      </p>
      {tokens.length > shownTokens && (
        <p className={styles.count}>and {formatCount(tokens.length - shownTokens)} tokens more</p>
      )}
    </>
  );
}
