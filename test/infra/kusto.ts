// Compiles queries with Azure's own Kusto compiler, against the tables of Application Insights that they may read.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

interface List<T> {
  readonly Count: number;
  getItem(index: number): T;
}

interface Column {
  readonly Name: string;
  readonly Type: { readonly Name: string };
}

/** What is used of the library, which comes without modules and with types for browsers alone. */
interface Kusto {
  readonly Language: {
    readonly KustoCode: {
      ParseAndAnalyze(
        query: string,
        globals: unknown,
      ): {
        GetDiagnostics(): List<{ readonly Severity: string; readonly Message: string }>;
        readonly ResultType: { readonly Columns?: List<Column> } | null;
      };
    };
    readonly GlobalState: { readonly Default: { WithDatabase(database: unknown): unknown } };
    readonly Symbols: {
      readonly TableSymbol: { From(columns: string): { WithName(name: string): unknown } };
      readonly DatabaseSymbol: { readonly ctor: new (name: string, tables: readonly unknown[]) => unknown };
    };
  };
}

// As Azure's reference has them for a component's own queries.
const tables = {
  traces:
    'timestamp: datetime, message: string, severityLevel: int, itemType: string, customDimensions: dynamic, operation_Name: string, operation_Id: string, cloud_RoleName: string, cloud_RoleInstance: string',
  requests:
    'timestamp: datetime, id: string, source: string, name: string, url: string, success: string, resultCode: string, duration: real, itemType: string, itemCount: int, customDimensions: dynamic, operation_Name: string, operation_Id: string, cloud_RoleName: string, cloud_RoleInstance: string',
  dependencies:
    'timestamp: datetime, id: string, target: string, type: string, name: string, data: string, success: string, resultCode: string, duration: real, itemType: string, itemCount: int, customDimensions: dynamic, operation_Name: string, operation_Id: string, operation_ParentId: string, cloud_RoleName: string, cloud_RoleInstance: string',
  customMetrics:
    'timestamp: datetime, name: string, value: real, valueCount: int, valueSum: real, valueMin: real, valueMax: real, valueStdDev: real, customDimensions: dynamic, operation_Name: string, operation_Id: string, cloud_RoleName: string, cloud_RoleInstance: string',
};

function load(): Kusto {
  const require = createRequire(import.meta.url);
  require('@kusto/language-service-next/bridge.min.js');
  require('@kusto/language-service-next/Kusto.Language.Bridge.min.js');
  const found: unknown = Reflect.get(globalThis, 'Kusto');
  assert.ok(typeof found === 'object' && found !== null && 'Language' in found);
  return found as Kusto;
}

const { KustoCode, GlobalState, Symbols } = load().Language;
const globals = GlobalState.Default.WithDatabase(
  new Symbols.DatabaseSymbol.ctor(
    'component',
    Object.entries(tables).map(([name, columns]) => Symbols.TableSymbol.From(`(${columns})`).WithName(name)),
  ),
);

export interface Compiled {
  /** Errors and warnings, in the compiler's words. */
  readonly problems: readonly string[];
  /** Types of the columns of the answer, by name. */
  readonly columns: ReadonlyMap<string, string>;
}

export function compile(query: string): Compiled {
  const code = KustoCode.ParseAndAnalyze(query, globals);
  const problems = listed(code.GetDiagnostics()).filter(({ Severity }) => /Error|Warning/.test(Severity));
  const columns = listed(code.ResultType?.Columns).map(({ Name, Type }) => [Name, Type.Name] as const);
  return { problems: problems.map(({ Message }) => Message), columns: new Map(columns) };
}

function listed<T>(list: List<T> | undefined): readonly T[] {
  return Array.from({ length: list?.Count ?? 0 }, (_, index) => list?.getItem(index)).filter(
    (item) => item !== undefined,
  );
}
