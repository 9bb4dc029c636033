package io.moetier.runtime.image.processor;

import io.moetier.runtime.image.Picture;
import io.moetier.storage.format.JsonObject;

/// Makes of a picture what a model's vision tower takes, as `preprocessor_config.json` says it.
///
/// Keys that a file leaves out have the values of the hub's class of that name. Processors may be shared between
/// threads.
public sealed interface ImageProcessor permits Qwen2VlProcessor, GotOcr2Processor, Gemma4Processor, Llama4Processor {
    /// Returns the processor of these files.
    ///
    /// @param preprocessor the content of `preprocessor_config.json`
    /// @param model the content of `config.json`
    /// @throws io.moetier.storage.model.MalformedModelException naming file and field of what cannot be
    static ImageProcessor of(JsonObject preprocessor, JsonObject model) {
        ProcessorConfig config = new ProcessorConfig(preprocessor, model);
        return switch (config.type()) {
            case "Qwen2VLImageProcessor" -> new Qwen2VlProcessor(config);
            case "GotOcr2ImageProcessor" -> new GotOcr2Processor(config);
            case "Gemma4ImageProcessor" -> new Gemma4Processor(config);
            case "Llama4ImageProcessor" -> new Llama4Processor(config);
            default ->
                throw preprocessor.unexpected(
                        ProcessorConfig.TYPE,
                        "Qwen2VLImageProcessor, GotOcr2ImageProcessor, Gemma4ImageProcessor or Llama4ImageProcessor",
                        preprocessor.requireString(ProcessorConfig.TYPE));
        };
    }

    /// Returns what the tower takes for `picture`.
    ///
    /// @throws io.moetier.runtime.image.UnreadablePictureException if its size is refused, or the heap has no room
    Pixels process(Picture picture);

    /// Returns what stands for pictures in the texts of the processor's family.
    ImageMarks marks();
}
