package io.moetier.lab.calibrate;

/// How long a machine is measured.
///
/// @param rounds how often everything is measured, 1 or more
/// @param share of the usual time that the engine is measured and warmed up, and of the memory that is read
/// @param leastTokens that are decoded for a measurement, however long that takes
public record Effort(int rounds, double share, int leastTokens) {
    /// Rounds unless the user says otherwise: memory and disk have faster and slower moments where others use them too.
    public static final int ROUNDS = 4;

    /// What most users want: as much as evens out what else the machine does.
    public static final Effort DEFAULT = ofRounds(ROUNDS);

    /// A first look: code that is not compiled yet, and what others do at the time, have more part in each figure.
    public static final Effort QUICK = new Effort(1, 0.25, 24);

    /// The same for each measurement, so many times.
    public static Effort ofRounds(int rounds) {
        return new Effort(rounds, 1, WeightStack.LEAST_TOKENS);
    }

    /// Returns how much is read instead of what no cache holds.
    public long bytes(long beyondCaches) {
        return Math.round(share * beyondCaches);
    }

    /// Returns how long is measured what usually is for so long.
    double seconds(double usual) {
        return share * usual;
    }
}
