type Raw = Readonly<Record<string, unknown>>

const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An alert of the SDK's API as a scan node sends it: metadata of labels are `key=value`. */
export const encodeAlert = (alert: Raw): Raw => ({
  alert: {
    ...alert,
    labels: (Array.isArray(alert['labels']) ? alert['labels'] : [])
      .filter(isRaw)
      .map(({ metadata, ...label }) => ({
        ...label,
        metadata: isRaw(metadata)
          ? Object.entries(metadata).map(([key, value]) => `${key}=${String(value)}`)
          : [],
      })),
    truncated: false,
  },
  timestamps: { block: alert['createdAt'], sourceAlert: alert['createdAt'] },
})
