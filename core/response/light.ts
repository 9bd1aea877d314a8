/** The side door for whoever proves or checks what people did: no chain behind it. */
export { createPeopleSecret, loadPeopleSecret, type PeopleSecret } from './people/peopleSecret.ts'
