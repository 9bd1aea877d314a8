import { describeSenderFaults } from '../../../test/support/senderFaults.ts'

describeSenderFaults('defender')
