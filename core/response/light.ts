/** The side door for whoever proves or checks what people did: no chain behind it. */

export { killSwitchFile, readHalt, recordHalt, writeHaltFile } from './people/killSwitch.ts'
export { createPeopleSecret, loadPeopleSecret, type PeopleSecret } from './people/peopleSecret.ts'
export { agreeToResume, peopleToResume, readAgreements } from './people/resume.ts'
