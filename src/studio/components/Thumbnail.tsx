import { useCallback } from 'react';
import type { ReactNode } from 'react';
import styles from './Thumbnail.module.css';

/** An image file in a square frame. */
export function Thumbnail({ blob, alt }: { blob: Blob; alt: string }): ReactNode {
  const show = useCallback(
    (image: HTMLImageElement) => {
      const url = URL.createObjectURL(blob);
      image.src = url;
      return () => URL.revokeObjectURL(url);
    },
    [blob],
  );
  return (
    <span className={styles.frame}>
      <img ref={show} className={styles.image} alt={alt} loading="lazy" decoding="async" />
    </span>
  );
}
