import io.moetier.ModelOptions;
import io.moetier.langchain4j.MoetierChatModel;
import java.nio.file.Path;

/// Asks a model that has a chat template.
final class Ask {
    public static void main(String[] arguments) {
        try (MoetierChatModel model = MoetierChatModel.builder()
                .path(Path.of(arguments[0]))
                .options(ModelOptions.DEFAULT.withMemoryBytes(12L << 30))
                .temperature(0.2)
                .build()) {
            System.out.println(model.chat("Why are experts sparse?"));
        }
    }
}
