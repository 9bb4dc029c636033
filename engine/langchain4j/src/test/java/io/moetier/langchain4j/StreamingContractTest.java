package io.moetier.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import io.moetier.Model;
import io.moetier.ModelOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/// What LangChain4j tests of every streaming model. Tests of what Moetier has not are overridden by nothing, each group
/// with its
/// reason; the tests that it is refused instead are run.
class StreamingContractTest extends AbstractStreamingChatModelIT {
    @TempDir
    static Path folder = Path.of("");

    private static Optional<Model> parrot = Optional.empty();
    private static final List<MoetierStreamingChatModel> BUILT = new ArrayList<>();

    @BeforeAll
    static void open() throws IOException {
        parrot = Optional.of(Parrot.open(folder, ModelOptions.DEFAULT));
    }

    @AfterAll
    static void close() {
        BUILT.forEach(MoetierStreamingChatModel::close);
        parrot.ifPresent(Model::close);
    }

    private static MoetierStreamingChatModel built(MoetierBuilder<MoetierStreamingChatModel> builder) {
        MoetierStreamingChatModel model = builder.model(parrot.orElseThrow()).build();
        BUILT.add(model);
        return model;
    }

    @Override
    protected List<StreamingChatModel> models() {
        return List.of(built(MoetierStreamingChatModel.builder()));
    }

    @Override
    protected StreamingChatModel createModelWith(ChatRequestParameters parameters) {
        return built(MoetierStreamingChatModel.builder().defaultRequestParameters(parameters));
    }

    @Override
    public StreamingChatModel createModelWith(ChatModelListener listener) {
        return built(MoetierStreamingChatModel.builder().listeners(List.of(listener)));
    }

    @Override
    protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
        return createParameters(maxOutputTokens);
    }

    @Override
    protected boolean supportsModelNameParameter() {
        return false;
    }

    @Override
    protected boolean supportsTools() {
        return false;
    }

    @Override
    protected boolean supportsToolChoiceRequired() {
        return false;
    }

    @Override
    protected boolean supportsJsonResponseFormat() {
        return false;
    }

    @Override
    protected boolean supportsJsonResponseFormatWithSchema() {
        return false;
    }

    @Override
    protected boolean supportsJsonResponseFormatWithRawSchema() {
        return false;
    }

    @Override
    protected boolean supportsSingleImageInputAsBase64EncodedString() {
        return false;
    }

    @Override
    protected boolean supportsSingleImageInputAsPublicURL() {
        return false;
    }

    // a model has one name

    @Override
    protected void should_respect_modelName_in_chat_request(StreamingChatModel model) {}

    @Override
    protected void should_respect_modelName_in_default_model_parameters() {}

    // there are such parameters

    @Override
    protected void should_fail_if_maxOutputTokens_parameter_is_not_supported(StreamingChatModel model) {}

    @Override
    protected void should_fail_if_stopSequences_parameter_is_not_supported(StreamingChatModel model) {}

    // there are no tools

    @Override
    protected void should_execute_a_tool_then_answer(StreamingChatModel model) {}

    @Override
    protected void should_execute_a_tool_without_arguments_then_answer(StreamingChatModel model) {}

    @Override
    protected void should_execute_multiple_tools_in_parallel_then_answer(StreamingChatModel model) {}

    @Override
    protected void should_force_LLM_to_execute_any_tool(StreamingChatModel model) {}

    @Override
    protected void should_force_LLM_to_execute_specific_tool(StreamingChatModel model) {}

    // nothing holds an answer to a schema

    @Override
    protected void should_respect_JSON_response_format(StreamingChatModel model) {}

    @Override
    protected void should_respect_JSON_response_format_with_schema(StreamingChatModel model) {}

    @Override
    protected void should_respect_JsonRawSchema_responseFormat(StreamingChatModel model) {}

    @Override
    protected void should_execute_a_tool_then_answer_respecting_JSON_response_format_with_schema(
            StreamingChatModel model) {}

    // there are no images

    @Override
    protected void should_accept_single_image_as_base64_encoded_string(StreamingChatModel model) {}

    @Override
    protected void should_accept_multiple_images_as_base64_encoded_strings(StreamingChatModel model) {}

    @Override
    protected void should_accept_single_image_as_public_URL(StreamingChatModel model) {}

    @Override
    protected void should_accept_multiple_images_as_public_URLs(StreamingChatModel model) {}
}
