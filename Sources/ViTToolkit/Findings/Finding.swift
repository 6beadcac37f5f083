/// Something that is wrong with a file, or that its user should know, and what to do about it.
public struct Finding: Sendable, Equatable {
    /// What is found; raw values are those of `inspect --json`.
    public enum Kind: String, Sendable, CaseIterable {
        /// The file ends too early.
        case truncated
        /// A web page under a checkpoint's name.
        case htmlPage = "html-page"
        /// A pointer of Git LFS in place of the file.
        case gitLFSPointer = "git-lfs-pointer"
        /// Anything else that no reader takes.
        case unreadable
        /// The name says another container than the bytes.
        case wrongExtension = "wrong-extension"
        /// The digest in the name is not the file's.
        case digestMismatch = "digest-mismatch"
        /// The head's weight is all zeros.
        case zeroHead = "all-zero-head"
        /// Elements that are no numbers.
        case notANumber = "nan"
        /// Infinite elements.
        case infinity = "inf"
        /// Tensors of one value throughout.
        case constant = "constant-tensor"
        /// Several names for the same bytes.
        case duplicateStorage = "duplicate-storage"
        /// Half-precision values that little more would make infinite.
        case nearOverflow = "near-overflow"
        /// An optimizer's state that outweighs the weights.
        case optimizerState = "optimizer-state"
    }

    /// What is found.
    public let kind: Kind
    /// One sentence that says what.
    public let message: String
    /// What to do.
    public let advice: String
    /// The tensors concerned, as the file names them.
    public let tensors: [String]
    /// Of a file that ends too early, the range of bytes that are missing.
    public let missingBytes: Range<Int>?

    init(
        _ kind: Kind, _ message: String, advice: String, tensors: [String] = [],
        missingBytes: Range<Int>? = nil
    ) {
        self.kind = kind
        self.message = message
        self.advice = advice
        self.tensors = tensors
        self.missingBytes = missingBytes
    }
}
