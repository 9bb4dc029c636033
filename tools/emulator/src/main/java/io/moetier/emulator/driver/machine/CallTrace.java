package io.moetier.emulator.driver.machine;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/// How often each function was called, and how long the driver took for it.
///
/// @param calls by the function's name in C, without `_v2`, in the order of the names
public record CallTrace(Map<String, Calls> calls) {
    public CallTrace {
        calls = Collections.unmodifiableMap(new TreeMap<>(calls));
    }

    /// The calls of one function.
    ///
    /// @param count how many, those that failed included
    /// @param nanos what they took in this process, without the commands that ran meanwhile
    public record Calls(long count, long nanos) {
        Calls plus(long moreNanos) {
            return new Calls(count + 1, nanos + moreNanos);
        }
    }

    /// Returns how often a function was called.
    public long count(String function) {
        Calls found = calls.get(function);
        return found == null ? 0 : found.count();
    }

    /// Returns how many calls there were.
    public long total() {
        return calls.values().stream().mapToLong(Calls::count).sum();
    }

    /// Returns what they took together.
    public long nanos() {
        return calls.values().stream().mapToLong(Calls::nanos).sum();
    }

    /// Returns what came after an earlier state of the same trace.
    public CallTrace since(CallTrace earlier) {
        Map<String, Calls> later = new TreeMap<>();
        calls.forEach((function, now) -> {
            Calls then = earlier.calls.getOrDefault(function, new Calls(0, 0));
            if (now.count() > then.count()) {
                later.put(function, new Calls(now.count() - then.count(), now.nanos() - then.nanos()));
            }
        });
        return new CallTrace(later);
    }
}
