import type { ReactNode } from 'react';
import type { ModelFile } from '../../engine/api.ts';
import { filesOfInput } from '../files.ts';
import button from './Button.module.css';
import { classes } from './classes.ts';
import styles from './FileButton.module.css';

interface Props {
  readonly label: string;
  readonly icon?: ReactNode;
  readonly folder?: boolean;
  readonly multiple?: boolean;
  readonly accept?: string;
  readonly disabled?: boolean;
  readonly look?: 'plain' | 'primary' | 'quiet';
  readonly size?: 'small' | 'medium' | 'large';
  readonly onFiles: (files: ModelFile[]) => void;
}

/** A file input that looks like a button: the input itself covers it, so keyboards, screen readers and scripts meet the real thing. */
export function FileButton(props: Props): ReactNode {
  const {
    label,
    icon,
    folder = false,
    multiple = true,
    accept,
    disabled,
    look = 'plain',
    size = 'medium',
    onFiles,
  } = props;
  return (
    <label className={classes(button.button, button[look], button[size], styles.label, disabled && styles.disabled)}>
      {icon}
      {label}
      <input
        type="file"
        className={styles.input}
        aria-label={label}
        multiple={multiple}
        accept={accept}
        disabled={disabled}
        {...(folder ? { webkitdirectory: '' } : {})}
        onChange={(event) => {
          onFiles(filesOfInput(event.target.files));
          // The same file may be chosen again, after it has been mended.
          event.target.value = '';
        }}
      />
    </label>
  );
}
