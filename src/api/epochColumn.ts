import { type ColumnBaseConfig, type ColumnBuilderBaseConfig, entityKind } from 'drizzle-orm'
import { type AnyPgTable, PgColumn, PgColumnBuilder } from 'drizzle-orm/pg-core'

/**
 * A `timestamptz` that speaks milliseconds since 1970. Ponder's GraphQL gives times no comparisons, but it does to
 * numbers of this type: alerts and executions can be filtered and paged by time like events.
 */
class PgEpoch extends PgColumn<ColumnBaseConfig<'bigint', 'PgEvmBigint'>> {
  static override readonly [entityKind]: string = 'PgEvmBigint'

  override getSQLType(): string {
    return 'timestamp (3) with time zone'
  }

  override mapFromDriverValue(value: string): bigint {
    return BigInt(new Date(value).getTime())
  }

  override mapToDriverValue(value: bigint): string {
    return new Date(Number(value)).toISOString()
  }
}

class PgEpochBuilder extends PgColumnBuilder<ColumnBuilderBaseConfig<'bigint', 'PgEvmBigint'>> {
  static override readonly [entityKind]: string = 'PgEvmBigintBuilder'

  constructor(name: string) {
    super(name, 'bigint', 'PgEvmBigint')
  }

  build(table: AnyPgTable): PgEpoch {
    return new PgEpoch(table, this.config as never)
  }
}

export const epochMs = (name: string): PgEpochBuilder => new PgEpochBuilder(name)
