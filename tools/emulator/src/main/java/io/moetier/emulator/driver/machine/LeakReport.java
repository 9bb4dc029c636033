package io.moetier.emulator.driver.machine;

import java.util.List;

/// What was made and not given back, each in words: what is live now, and what was live when its context
/// went.
public record LeakReport(List<String> leaks) {
    public LeakReport {
        leaks = List.copyOf(leaks);
    }

    public boolean isEmpty() {
        return leaks.isEmpty();
    }

    @Override
    public String toString() {
        return leaks.isEmpty() ? "no leaks" : String.join("\n", leaks);
    }
}
