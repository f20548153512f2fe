import CircleHelp from 'lucide-react/icons/circle-question-mark';
import Cpu from 'lucide-react/icons/cpu';
import HardDrive from 'lucide-react/icons/hard-drive';
import Monitor from 'lucide-react/icons/monitor';
import Moon from 'lucide-react/icons/moon';
import Sun from 'lucide-react/icons/sun';
import type { ReactNode } from 'react';
import type { GpuReport, StorageReport } from '../../engine/api.ts';
import { openHelp, switchTheme } from '../commands/machine.ts';
import { IconButton } from '../components/Button.tsx';
import { classes } from '../components/classes.ts';
import { Tip } from '../components/Tip.tsx';
import { formatBytes } from '../logic/format.ts';
import { roomText } from '../logic/room.ts';
import { goTo } from '../routing.ts';
import { useStudio } from '../state/store.ts';
import { Mark } from './Mark.tsx';
import styles from './TopBar.module.css';

const themeIcons = { auto: Monitor, light: Sun, dark: Moon } as const;
const themeNames = { auto: 'as the system', light: 'light', dark: 'dark' } as const;

export function TopBar(): ReactNode {
  const { gpu, storage, theme } = useStudio((state) => state.machine);
  const ThemeIcon = themeIcons[theme];
  return (
    <header className={styles.bar}>
      <a className={styles.brand} href="#/model" aria-label="Graft, to the first screen">
        <Mark />
        <span className={styles.name}>Graft</span>
      </a>
      <p className={styles.promise}>Your model and your data stay on this computer.</p>
      <div className={styles.tools}>
        <GpuChip gpu={gpu} />
        {storage && <StorageChip storage={storage} />}
        <IconButton label={`Theme: ${themeNames[theme]}`} onClick={switchTheme}>
          <ThemeIcon />
        </IconButton>
        <IconButton label="Help and keyboard shortcuts" onClick={openHelp}>
          <CircleHelp />
        </IconButton>
      </div>
    </header>
  );
}

function GpuChip({ gpu }: { gpu: GpuReport | null }): ReactNode {
  if (!gpu) return <span className={styles.chip}>Looking for a GPU…</span>;
  const state = gpu.available ? (gpu.isSoftware ? styles.slow : styles.good) : styles.none;
  return (
    <Tip text={<GpuFacts gpu={gpu} />}>
      <button type="button" className={styles.chip}>
        <Cpu aria-hidden="true" />
        <span className={styles.chipText}>{gpu.available ? gpu.name : 'No GPU'}</span>
        <span className={classes(styles.dot, state)} aria-hidden="true" />
      </button>
    </Tip>
  );
}

function GpuFacts({ gpu }: { gpu: GpuReport }): ReactNode {
  if (!gpu.available) return gpu.reasons.join(' ');
  const lines = [
    gpu.isSoftware ? 'A software driver: it works, but slowly.' : 'Ready to train.',
    `16-bit arithmetic: ${gpu.hasF16 ? 'yes' : 'no'}. Subgroups: ${gpu.hasSubgroups ? 'yes' : 'no'}.`,
    `Largest buffer: ${formatBytes(gpu.maxBufferSize)}.`,
  ];
  return lines.map((line) => <p key={line}>{line}</p>);
}

function StorageChip({ storage }: { storage: StorageReport }): ReactNode {
  const facts = [
    `The library holds ${roomText(storage)}.`,
    storage.persisted ? 'The browser has promised to keep it.' : 'The browser may clear it when the disk runs full.',
    ...(storage.heldElsewhere ? ['Another tab has the library open, so this tab keeps nothing.'] : []),
  ];
  return (
    <Tip
      text={facts.map((fact) => (
        <p key={fact}>{fact}</p>
      ))}
    >
      <button type="button" className={styles.chip} onClick={() => goTo('library')}>
        <HardDrive aria-hidden="true" />
        <span className={styles.chipText}>{formatBytes(storage.usage)} kept</span>
      </button>
    </Tip>
  );
}
