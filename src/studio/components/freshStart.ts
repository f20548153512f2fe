/** The page at its top and the focus on its title: what is there is new. */
export function freshStart(): void {
  scrollTo(0, 0);
  document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
}
