import type { LoadedPolicy } from '../types.ts'
import type { SimulationResult } from './types.ts'

/** Whether the outcome of a simulation stops the action, by the policy; undefined when it does not. */
export const checkSimulation = (
  policy: Pick<LoadedPolicy, 'simulation'>,
  simulation: SimulationResult,
): { readonly code: string; readonly reason: string } | undefined => {
  const { detail } = simulation
  switch (simulation.outcome) {
    case 'passed':
    case 'already_effective':
      return undefined
    case 'unavailable':
      return policy.simulation.mode === 'required' || policy.simulation.onUnavailable === 'stop'
        ? { code: 'simulation_unavailable', reason: `No simulation could be had: ${detail}.` }
        : undefined
    case 'reverted':
      return { code: 'simulation_reverted', reason: `The simulated call reverts: ${detail}.` }
    case 'postcondition_failed':
      return {
        code: 'simulation_failed',
        reason: 'In the simulation the post-condition does not hold after the call.',
      }
    case 'assertion_failed':
      return { code: 'simulation_assertion', reason: `In the simulation: ${detail}` }
  }
}
