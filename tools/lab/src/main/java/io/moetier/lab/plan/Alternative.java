package io.moetier.lab.plan;

import io.moetier.runtime.session.MemoryForecast;
import java.util.Optional;

/// One of the ways to run a model.
///
/// @param memory what lies where; nothing if it does not fit
/// @param speed nothing if it does not fit, or nobody knows how fast the place is
/// @param obstacle why it does not fit
public record Alternative(
        Candidate candidate,
        Place place,
        int contextLength,
        Optional<MemoryForecast> memory,
        Optional<SpeedForecast> speed,
        Optional<String> obstacle) {
    /// Says whether it can be run.
    public boolean fits() {
        return memory.isPresent();
    }

    /// Returns the tokens a second that are as likely as not; 0 if nobody knows.
    public double likelySpeed() {
        return speed.map(of -> of.tokensPerSecond().likely()).orElse(0.0);
    }
}
