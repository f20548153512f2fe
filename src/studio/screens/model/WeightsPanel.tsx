import type { ReactNode } from 'react';
import type { ModelCard } from '../../../engine/api.ts';
import { Panel } from '../../components/Panel.tsx';
import { formatBytes, formatShare, formatShort } from '../../logic/format.ts';
import { bitsPerWeight, formatBits, packedFormats, packedRoles, packingText, roleNames } from '../../logic/packing.ts';
import styles from './WeightsPanel.module.css';

/** Neighbours in a bar differ in hue, too. */
const colours = [1, 3, 5, 4, 2, 6] as const;

/** Which formats the weights have, how much of them, and where. */
export function WeightsPanel({ card }: { card: ModelCard }): ReactNode {
  const formats = packedFormats(card.weights);
  const colourOf = (format: string): string => {
    const index = formats.findIndex((one) => one.format === format);
    return `var(--part-${colours[index] ?? 6})`;
  };
  return (
    <Panel title="How its weights are packed" hint={packingText(card)}>
      <div className={styles.bar} aria-hidden="true">
        {formats.map(({ format, share }) => (
          <span key={format} style={{ width: `${share * 100}%`, background: colourOf(format) }} />
        ))}
      </div>
      <ul className={styles.formats} aria-label="Formats">
        {formats.map(({ format, share, bytes, bitsPerWeight: bits }) => (
          <li key={format}>
            <span className={styles.swatch} style={{ background: colourOf(format) }} />
            <span className={styles.format}>{format}</span>
            <span className={styles.figures}>
              {formatBits(bits)} bits a weight, {formatBytes(bytes)}, {formatShare(share)}
            </span>
          </li>
        ))}
      </ul>
      <details className={styles.roles} open={formats.length > 1}>
        <summary>By part of the model</summary>
        <RoleTable card={card} colourOf={colourOf} />
      </details>
    </Panel>
  );
}

function RoleTable({ card, colourOf }: { card: ModelCard; colourOf: (format: string) => string }): ReactNode {
  const groups = packedRoles(card.weights);
  const most = Math.max(1, ...groups.map(({ bytes }) => bytes));
  return (
    <table className={styles.table}>
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col">Format</th>
          <th scope="col" className={styles.number}>
            Weights
          </th>
          <th scope="col" className={styles.number}>
            Bits each
          </th>
          <th scope="col" className={styles.size}>
            Size
          </th>
        </tr>
      </thead>
      <tbody>
        {groups.map((group, index) => {
          const { role, format, weights, bytes } = group;
          const isFirst = groups[index - 1]?.role !== role;
          return (
            <tr key={`${role} ${format}`} className={isFirst ? styles.first : undefined}>
              <th scope="row">
                {isFirst ? roleNames[role] : <span className="visually-hidden">{roleNames[role]}</span>}
              </th>
              <td>
                <span className={styles.swatch} style={{ background: colourOf(format) }} /> {format}
              </td>
              <td className={styles.number}>{formatShort(weights)}</td>
              <td className={styles.number}>{formatBits(bitsPerWeight([group]))}</td>
              <td className={styles.size}>
                <span className={styles.amount}>{formatBytes(bytes)}</span>
                <span className={styles.part} aria-hidden="true">
                  <span style={{ width: `${(bytes / most) * 100}%`, background: colourOf(format) }} />
                </span>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
