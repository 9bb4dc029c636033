package io.moetier.runtime.lookahead;

/// Where guesses come from.
public enum Guesser {
    /// What has been chosen so far, up to the layer before: [io.moetier.storage.cache.UseEstimator].
    CHOICES("earlier choices", 1),
    /// The layer's own router, applied to the hidden state of the layer before.
    ROUTER_1("router", 1),
    /// As [#ROUTER_1], two layers before.
    ROUTER_2("router", 2),
    /// As [#ROUTER_1], three layers before.
    ROUTER_3("router", 3);

    private final String label;
    private final int distance;

    Guesser(String label, int distance) {
        this.label = label;
        this.distance = distance;
    }

    /// Returns the router that guesses so many layers ahead.
    public static Guesser router(int distance) {
        return switch (distance) {
            case 1 -> ROUTER_1;
            case 2 -> ROUTER_2;
            case 3 -> ROUTER_3;
            default -> throw new IllegalArgumentException("no router guesses " + distance + " layers ahead");
        };
    }

    public String label() {
        return label;
    }

    /// Returns how many layers with experts lie between the guess and the choice, 1 for the next one.
    public int distance() {
        return distance;
    }
}
