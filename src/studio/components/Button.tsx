import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { classes } from './classes.ts';
import styles from './Button.module.css';

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: 'primary' | 'plain' | 'quiet' | 'danger';
  readonly size?: 'small' | 'medium' | 'large';
  readonly icon?: ReactNode;
}

export function Button({ look = 'plain', size = 'medium', icon, children, className, ...rest }: Props): ReactNode {
  return (
    <button type="button" className={classes(styles.button, styles[look], styles[size], className)} {...rest}>
      {icon}
      {children}
    </button>
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly label: string;
  readonly children: ReactNode;
}

/** A button that is only an icon; its label is its accessible name and its tooltip. */
export function IconButton({ label, children, className, ...rest }: IconButtonProps): ReactNode {
  return (
    <button type="button" aria-label={label} title={label} className={classes(styles.iconOnly, className)} {...rest}>
      {children}
    </button>
  );
}
