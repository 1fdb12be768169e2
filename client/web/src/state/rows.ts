// Rows of views and reports as the pages use them: values by the name of their column, positions as numbers.
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { FieldType, QueryViewRequestSchema, Field, QueryViewResponse, Row as RowMessage, Value } from 'kith-client/gen/view'
import { KithError } from 'kith-client'
import { server } from './server'

export type Cell = number | string | boolean | undefined

export interface Row {
  /** One or two ids of people, or of organisations. */
  readonly key: readonly string[]
  /** Position of the entry the row is about; 0 for none. */
  readonly item: number
  /** How many entries it stands on. */
  readonly evidence: number
  readonly values: Readonly<Record<string, Cell>>
}

export interface Column {
  readonly name: string
  readonly type: FieldType
  readonly about: string
}

/** Rows of a view, with the position and day that they stand for. */
export interface Rows {
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  /** Rows on all pages. */
  readonly total: number
  readonly position: number
  readonly day: number
  readonly failingKeys: number
  readonly remarks: readonly string[]
  readonly nextPageToken: string
}

export type Query = Omit<MessageInitShape<typeof QueryViewRequestSchema>, '$typeName' | '$unknown'>

/** Asks for one page of rows. */
export async function query(request: Query, signal: AbortSignal): Promise<Rows> {
  try {
    return readRows(await server.views.queryView(request, { signal }))
  } catch (error) {
    // A panel leads to the plugin of a view that stopped: the refusal does not say which view that is.
    if (error instanceof KithError && error.reason === 'VIEW_STOPPED') throw new KithError(error.kind, error.message, { ...error, metadata: { view: request.view ?? '', ...error.metadata } })
    throw error
  }
}

const PAGE = 10_000

/** Asks for rows on as many pages as it takes, up to `most`. */
export async function queryAll(request: Query, most: number, signal: AbortSignal): Promise<Rows> {
  let found = await query({ ...request, pageSize: Math.min(PAGE, most) }, signal)
  while (found.nextPageToken && found.rows.length < most) {
    const more = await query({ ...request, pageSize: Math.min(PAGE, most - found.rows.length), pageToken: found.nextPageToken }, signal)
    found = { ...more, rows: [...found.rows, ...more.rows] }
  }
  return found
}

function readRows(answer: QueryViewResponse): Rows {
  const columns = readColumns(answer.fields)
  return {
    columns,
    rows: answer.rows.map(row => readRow(row, columns)),
    total: Number(answer.total),
    position: Number(answer.position),
    day: answer.day,
    failingKeys: Number(answer.failingKeys),
    remarks: answer.remarks,
    nextPageToken: answer.nextPageToken,
  }
}

export const readColumns = (fields: readonly Field[]): Column[] => fields.map(({ name, type, about }) => ({ name, type, about }))

export function readRow(row: RowMessage, columns: readonly Column[]): Row {
  const values: Record<string, Cell> = {}
  columns.forEach(({ name }, i) => (values[name] = readCell(row.values[i])))
  return { key: row.key, item: Number(row.item), evidence: row.evidence, values }
}

/** Whole numbers and positions fit a number: they stay far below 2^53. */
function readCell(value: Value | undefined): Cell {
  const held = value?.value
  if (held?.case === undefined) return undefined
  return typeof held.value === 'bigint' ? Number(held.value) : held.value
}

export const number = (row: Row | undefined, column: string): number => {
  const value = row?.values[column]
  return typeof value === 'number' ? value : 0
}

/** A number or a day, undefined where the row has none. */
export const figure = (row: Row | undefined, column: string): number | undefined => {
  const value = row?.values[column]
  return typeof value === 'number' ? value : undefined
}

export const text = (row: Row | undefined, column: string): string => {
  const value = row?.values[column]
  return typeof value === 'string' ? value : ''
}

export const rowKey = (row: Row): string => `${row.key.join(' ')} ${row.item}`

/** The other one of a pair. */
export const other = (row: Row, person: string): string => row.key.find(id => id !== person) ?? person
