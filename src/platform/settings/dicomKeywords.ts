// The DICOM keywords that may be named in a projection; every other attribute is named by its tag.
const groups: readonly (readonly [string, string])[] = [
  [
    '0008',
    `
    0005 SpecificCharacterSet 0008 ImageType 0012 InstanceCreationDate 0013 InstanceCreationTime
    0016 SOPClassUID 0018 SOPInstanceUID 0020 StudyDate 0021 SeriesDate 0022 AcquisitionDate
    0023 ContentDate 002A AcquisitionDateTime 0030 StudyTime 0031 SeriesTime 0032 AcquisitionTime
    0033 ContentTime 0050 AccessionNumber 0051 IssuerOfAccessionNumberSequence 0056 InstanceAvailability
    0060 Modality 0061 ModalitiesInStudy 0064 ConversionType 0068 PresentationIntentType 0070 Manufacturer
    0080 InstitutionName 0081 InstitutionAddress 0090 ReferringPhysicianName 0201 TimezoneOffsetFromUTC
    1010 StationName 1030 StudyDescription 1032 ProcedureCodeSequence 103E SeriesDescription
    1040 InstitutionalDepartmentName 1048 PhysiciansOfRecord 1050 PerformingPhysicianName
    1060 NameOfPhysiciansReadingStudy 1070 OperatorsName 1080 AdmittingDiagnosesDescription
    1090 ManufacturerModelName 1110 ReferencedStudySequence 1111 ReferencedPerformedProcedureStepSequence
    1115 ReferencedSeriesSequence 1120 ReferencedPatientSequence 1140 ReferencedImageSequence
    2111 DerivationDescription 2112 SourceImageSequence`,
  ],
  [
    '0010',
    `
    0010 PatientName 0020 PatientID 0021 IssuerOfPatientID 0022 TypeOfPatientID
    0024 IssuerOfPatientIDQualifiersSequence 0030 PatientBirthDate 0032 PatientBirthTime 0040 PatientSex
    1001 OtherPatientNames 1002 OtherPatientIDsSequence 1010 PatientAge 1020 PatientSize 1030 PatientWeight
    2160 EthnicGroup 21C0 PregnancyStatus 4000 PatientComments`,
  ],
  [
    '0012',
    `
    0062 PatientIdentityRemoved 0063 DeidentificationMethod`,
  ],
  [
    '0018',
    `
    0010 ContrastBolusAgent 0015 BodyPartExamined 0020 ScanningSequence 0021 SequenceVariant
    0022 ScanOptions 0023 MRAcquisitionType 0050 SliceThickness 0060 KVP 0080 RepetitionTime 0081 EchoTime
    0087 MagneticFieldStrength 0088 SpacingBetweenSlices 1000 DeviceSerialNumber 1020 SoftwareVersions
    1030 ProtocolName 1210 ConvolutionKernel 5100 PatientPosition 5101 ViewPosition`,
  ],
  [
    '0020',
    `
    000D StudyInstanceUID 000E SeriesInstanceUID 0010 StudyID 0011 SeriesNumber 0012 AcquisitionNumber
    0013 InstanceNumber 0020 PatientOrientation 0032 ImagePositionPatient 0037 ImageOrientationPatient
    0052 FrameOfReferenceUID 0060 Laterality 0062 ImageLaterality 1002 ImagesInAcquisition
    1041 SliceLocation 1206 NumberOfStudyRelatedSeries 1208 NumberOfStudyRelatedInstances
    1209 NumberOfSeriesRelatedInstances 4000 ImageComments`,
  ],
  [
    '0028',
    `
    0002 SamplesPerPixel 0004 PhotometricInterpretation 0008 NumberOfFrames 0010 Rows 0011 Columns
    0030 PixelSpacing 0100 BitsAllocated 0101 BitsStored 0102 HighBit 0103 PixelRepresentation
    0301 BurnedInAnnotation 1050 WindowCenter 1051 WindowWidth 1052 RescaleIntercept 1053 RescaleSlope
    2110 LossyImageCompression`,
  ],
  [
    '0032',
    `
    1032 RequestingPhysician 1033 RequestingService 1060 RequestedProcedureDescription
    1064 RequestedProcedureCodeSequence`,
  ],
  [
    '0038',
    `
    0010 AdmissionID`,
  ],
  [
    '0040',
    `
    0007 ScheduledProcedureStepDescription 0009 ScheduledProcedureStepID 0241 PerformedStationAETitle
    0244 PerformedProcedureStepStartDate 0245 PerformedProcedureStepStartTime 0253 PerformedProcedureStepID
    0254 PerformedProcedureStepDescription 0275 RequestAttributesSequence 1001 RequestedProcedureID
    2016 PlacerOrderNumberImagingServiceRequest 2017 FillerOrderNumberImagingServiceRequest
    A043 ConceptNameCodeSequence A491 CompletionFlag A493 VerificationFlag A730 ContentSequence`,
  ],
  [
    '0042',
    `
    0010 DocumentTitle 0012 MIMETypeOfEncapsulatedDocument`,
  ],
];

/** Eight-digit tag by keyword. A few kilobytes instead of the whole dictionary, which would be most of the bundle. */
export const tagOfKeyword: ReadonlyMap<string, string> = new Map(
  groups.flatMap(([group, list]) =>
    [...list.matchAll(/([0-9A-F]{4}) (\w+)/g)].map(
      ([, element = '', keyword = '']) => [keyword, group + element] as const,
    ),
  ),
);

/** The tag, in upper case, that a keyword or an eight-digit tag names; undefined for a keyword that is not listed here. */
export function dicomTag(name: string): string | undefined {
  return /^[0-9A-F]{8}$/i.test(name) ? name.toUpperCase() : tagOfKeyword.get(name);
}
