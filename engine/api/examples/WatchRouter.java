import io.moetier.AnswerSettings;
import io.moetier.Completion;
import io.moetier.Model;
import io.moetier.ModelOptions;
import io.moetier.Sampling;
import java.nio.file.Path;

/// Counts how often each expert of the first layer is chosen, in little memory.
final class WatchRouter {
    public static void main(String[] arguments) {
        ModelOptions options = ModelOptions.DEFAULT.withMemoryBytes(8 << 20);
        AnswerSettings settings = AnswerSettings.DEFAULT.withSampling(Sampling.GREEDY).withMaxTokens(16);
        try (Model model = Model.open(Path.of(arguments[0]), options);
                Completion completion = model.completion(settings)) {
            int[] counts = new int[model.info().experts()];
            completion.observe((layer, position, tokens, expertsPerToken, ids, weights) -> {
                for (int i = 0; layer == 0 && i < tokens * expertsPerToken; i++) {
                    counts[ids[i]]++;
                }
            });
            completion.complete("The horse");
            for (int expert = 0; expert < counts.length; expert++) {
                if (counts[expert] > 0) {
                    System.out.println("expert " + expert + ": " + counts[expert]);
                }
            }
            System.out.println(model.tiers());
        }
    }
}
