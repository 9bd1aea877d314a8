/** What two writings of a person's name have in common: case and blanks around it tell nobody apart. */
export const nameOf = (text: string): string => text.trim().toLowerCase()
