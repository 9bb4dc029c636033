package io.moetier.emulator.driver.fault;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/// The faults that are still to come.
public final class FaultPlan {
    private final List<Pending> pending = new ArrayList<>();

    private static final class Pending {
        final InjectedFault fault;
        long callsLeft;

        Pending(InjectedFault fault) {
            this.fault = fault;
            callsLeft = fault.call();
        }
    }

    public void add(InjectedFault fault) {
        pending.add(new Pending(fault));
    }

    /// Counts a call, and returns the fault that is due.
    public Optional<InjectedFault> onCall(String function) {
        Optional<InjectedFault> due = Optional.empty();
        for (Iterator<Pending> all = pending.iterator(); all.hasNext(); ) {
            Pending next = all.next();
            if (next.fault.function().equals(function) && --next.callsLeft == 0) {
                all.remove();
                due = Optional.of(next.fault);
            }
        }
        return due;
    }
}
