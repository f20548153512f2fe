export interface AdapterName {
  readonly vendor: string;
  readonly device: string;
  readonly description: string;
}
export function lavapipeFiles(folders?: readonly string[]): string[];
export function swiftShaderFiles(chromium: string | undefined): string[];
export function probeAdapter(icdFile?: string): Promise<AdapterName | undefined>;
export function firstWorkingDriver(
  icdFiles: readonly string[],
): Promise<{ readonly icdFile: string; readonly adapter: AdapterName } | undefined>;
