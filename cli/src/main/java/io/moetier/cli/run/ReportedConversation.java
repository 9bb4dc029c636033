package io.moetier.cli.run;

import io.moetier.cli.option.SamplingOptions;
import io.moetier.cli.report.ModelClock;
import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.VirtualTime;
import io.moetier.runtime.chat.Conversation;
import io.moetier.runtime.chat.Reply;
import io.moetier.runtime.chat.Transcript;
import io.moetier.runtime.image.Picture;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.model.vision.ImagePatches;
import io.moetier.runtime.text.ChatTemplate;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A conversation whose answers are reported in figures. Owns it.
final class ReportedConversation implements Answerer, AutoCloseable {
    private final LoadedModel model;
    private final SamplingOptions options;
    private final OptionalDouble diskBytesPerSecond;
    private final Conversation conversation;
    private Runnable afterPrompt = () -> {};
    private @Nullable RunReport report;

    /// @param diskBytesPerSecond what `doctor` has measured
    ReportedConversation(
            LoadedModel model,
            SamplingOptions options,
            OptionalDouble diskBytesPerSecond,
            Optional<ChatTemplate> template) {
        this.model = model;
        this.options = options;
        this.diskBytesPerSecond = diskBytesPerSecond;
        conversation = new Conversation(model, options::answer, template);
    }

    /// Returns the conversation, to listen to it.
    Conversation conversation() {
        return conversation;
    }

    /// Runs `task` from now on when a prompt has been computed, and between all tokens after it.
    void afterPrompt(Runnable task) {
        afterPrompt = task;
    }

    @Override
    public boolean remembers() {
        return conversation.remembers();
    }

    @Override
    public void answer(String userText, List<Picture> shown, Consumer<String> out, BooleanSupplier cancelled) {
        reporting(() -> conversation.answer(userText, shown, out, cancelled));
    }

    @Override
    public void requireVision() {
        model.requireVision();
    }

    @Override
    public void answerAgain(Consumer<String> out, BooleanSupplier cancelled) {
        reporting(() -> conversation.answerAgain(out, cancelled));
    }

    /// Continues `tokens`, as [Conversation#answer(int[], List, Consumer, BooleanSupplier)].
    void answer(int[] tokens, List<ImagePatches> shown, Consumer<String> out, BooleanSupplier cancelled) {
        reporting(() -> conversation.answer(tokens, shown, out, cancelled));
    }

    private void reporting(Supplier<Reply> answer) {
        Optional<VirtualTime> virtual = new ModelClock(model).virtual().map(VirtualTime::new);
        conversation.onToken(token -> {
            afterPrompt.run();
            virtual.ifPresent(VirtualTime::note);
        });
        Reply reply = answer.get();
        report = new RunReport(
                model.engine(),
                reply,
                options.predict == null,
                diskBytesPerSecond,
                reply.outcome().promptTokens() == 0 ? Optional.empty() : virtual);
    }

    @Override
    public Transcript transcript() {
        return conversation.transcript();
    }

    @Override
    public void instruct(String systemText) {
        conversation.instruct(systemText);
    }

    @Override
    public void resume(Transcript transcript) {
        conversation.resume(transcript);
    }

    @Override
    public void reset() {
        conversation.reset();
    }

    @Override
    public String line() {
        return report().line();
    }

    @Override
    public String stats() {
        return report == null ? "nothing has been answered yet" : report.table().stripTrailing();
    }

    /// Returns what the last answer took.
    ///
    /// @throws IllegalStateException if there was none
    RunReport report() {
        if (report == null) {
            throw new IllegalStateException("nothing has been answered yet");
        }
        return report;
    }

    @Override
    public void close() {
        conversation.close();
    }
}
