package io.moetier.emulator.driver.stream;

import java.util.List;
import java.util.SplittableRandom;

/// Decides which stream goes next, from a seed.
///
/// A choice at random every time hides errors: streams then advance about alike. So streams have
/// priorities, which change now and then (as in Burckhardt et al., "A Randomized Scheduler with
/// Probabilistic Guarantees of Finding Bugs", 2010), and how much runs before anybody waits is drawn once
/// for a seed.
final class Adversary {
    private static final int[] EAGERNESS = {0, 0, 1, 2, 4}; // of 4
    private final SplittableRandom random;
    private final int eagerness;

    Adversary(long seed) {
        random = new SplittableRandom(seed);
        eagerness = EAGERNESS[random.nextInt(EAGERNESS.length)];
    }

    /// Returns how many commands to run though nobody waits for them.
    int eagerCommands() {
        int count = 0;
        while (count < 2 && random.nextInt(4) < eagerness) {
            count++;
        }
        return count;
    }

    CommandStream pick(List<CommandStream> ready) {
        if (random.nextInt(8) == 0) {
            return ready.get(random.nextInt(ready.size()));
        }
        if (random.nextInt(16) == 0) {
            ready.get(random.nextInt(ready.size())).setPriority(random.nextLong());
        }
        CommandStream best = ready.getFirst();
        for (CommandStream stream : ready) {
            if (stream.priority() == 0) {
                stream.setPriority(random.nextLong() | 1);
            }
            best = stream.priority() > best.priority() ? stream : best;
        }
        return best;
    }

    /// Returns a seed for the order within a kernel.
    long seed() {
        return random.nextLong();
    }
}
