import { useState } from 'react';
import type { ReactNode } from 'react';
import { Button, IconButton } from './Button.tsx';
import { ConfirmDialog } from './Dialog.tsx';

interface Props {
  readonly label: string;
  readonly title: string;
  readonly question: string;
  readonly confirmLabel: string;
  readonly icon: ReactNode;
  readonly iconOnly?: boolean;
  readonly onConfirm: () => void;
}

/** A button whose deed cannot be undone, so it asks first. */
export function ConfirmButton({
  label,
  title,
  question,
  confirmLabel,
  icon,
  iconOnly = false,
  onConfirm,
}: Props): ReactNode {
  const [asking, setAsking] = useState(false);
  return (
    <>
      {iconOnly ? (
        <IconButton label={label} onClick={() => setAsking(true)}>
          {icon}
        </IconButton>
      ) : (
        <Button look="quiet" icon={icon} onClick={() => setAsking(true)}>
          {label}
        </Button>
      )}
      <ConfirmDialog
        title={title}
        confirmLabel={confirmLabel}
        open={asking}
        onConfirm={onConfirm}
        onClose={() => setAsking(false)}
      >
        {question}
      </ConfirmDialog>
    </>
  );
}
