import io.moetier.Answer;
import io.moetier.Completion;
import io.moetier.Model;
import java.nio.file.Path;

/// Continues a text and prints what comes as it comes.
final class StreamedAnswer {
    public static void main(String[] arguments) {
        try (Model model = Model.open(Path.of(arguments[0]));
                Completion completion = model.completion()) {
            Answer answer = completion.complete("Once upon a time", System.out::print);
            System.err.printf("%n%s%n", answer.report());
        }
    }
}
