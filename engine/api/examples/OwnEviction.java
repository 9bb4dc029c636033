import io.moetier.AnswerSettings;
import io.moetier.Completion;
import io.moetier.EvictionPolicy;
import io.moetier.Model;
import io.moetier.ModelOptions;
import io.moetier.Sampling;
import java.nio.file.Path;
import java.util.function.IntPredicate;

/// Lets the experts leave that weighed least so far, and prints how often experts were found in memory, beside what the
/// built-in policy gives.
final class OwnEviction {
    static final class LeastWeight implements EvictionPolicy {
        private final double[] weighed;

        LeastWeight(Slots slots) {
            weighed = new double[slots.experts().size()];
        }

        @Override
        public void onChoice(int[] experts, float[] weights, int count) {
            for (int i = 0; i < count; i++) {
                weighed[experts[i]] += weights[i];
            }
        }

        @Override
        public int victim(int newcomer, IntPredicate mayLeave) {
            int victim = -1;
            for (int expert = 0; expert < weighed.length; expert++) {
                if (mayLeave.test(expert) && (victim < 0 || weighed[expert] < weighed[victim])) {
                    victim = expert;
                }
            }
            return victim;
        }
    }

    public static void main(String[] arguments) {
        ModelOptions options = ModelOptions.DEFAULT.withMemoryBytes(3 << 20);
        print("lru", Path.of(arguments[0]), options);
        print("least weight", Path.of(arguments[0]), options.withPolicy(LeastWeight::new));
    }

    private static void print(String policy, Path path, ModelOptions options) {
        AnswerSettings settings = AnswerSettings.DEFAULT.withSampling(Sampling.GREEDY).withMaxTokens(64);
        try (Model model = Model.open(path, options);
                Completion completion = model.completion(settings)) {
            double found = completion.complete("The horse").report().expertHitRate();
            System.out.printf("%s: %.0f%% of the experts were in memory%n", policy, 100 * found);
        }
    }
}
