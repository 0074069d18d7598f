/* Table: what the numbers of a country are called by its people, and how they are written. For test/quality/fresh.ts. */

export interface FreshKind {
  readonly type: string;
  /** Other types that are right too: some registers give one number to several. */
  readonly also: readonly string[];
  /** By language: what people call it. */
  readonly words: Readonly<Record<string, readonly string[]>>;
  /** Names of columns, keys and variables. */
  readonly columns: readonly string[];
  /** `#` a digit, `@` a letter, `y m d` pairs of a date; as people write it. */
  readonly shapes: readonly string[];
  /** stdnum's validator that the value passes. */
  readonly valid?: readonly [string, string];
}

/** `words`: `en:SSN|social security number;es:número de seguro social`; `shapes`: `###-##-#### ~ US.ssn`. */
function kind(type: string, words: string, columns: string, shapes: string): FreshKind {
  const [written = '', valid] = shapes.split(' ~ ');
  const [country, name] = valid?.split('.') ?? [];
  const [first = '', ...also] = type.split('|');
  return {
    type: first,
    also,
    words: Object.fromEntries(
      words.split(';').map((each): [string, readonly string[]] => {
        const at = each.indexOf(':');
        return [each.slice(0, at), each.slice(at + 1).split('|')];
      }),
    ),
    columns: columns.split('|'),
    shapes: written.split('|'),
    ...(country === undefined || name === undefined ? {} : { valid: [country, name] as const }),
  };
}

export const freshKinds: readonly FreshKind[] = [
  kind(
    'US_SSN',
    'en:SSN|SSN#|social security number|social security no.|Social Security #|soc. sec. no.|social|SS number|SSN (last verified)|taxpayer SSN;es:número de seguro social|NSS;fr:numéro de sécurité sociale américain',
    'ssn|social_security_number|socialSecurityNumber|ssn_nbr|borrower_ssn|EmployeeSSN|soc_sec|SSN_TXT',
    '212-##-####|5##-6#-#4##|3## 45 ####|4##5#2###',
  ),
  kind(
    'US_ITIN',
    'en:ITIN|individual taxpayer identification number|taxpayer id|ITIN number',
    'itin|itin_number|taxpayer_id',
    '9##-7#-####|9##-80-####|9##7#####',
  ),
  kind(
    'CA_SIN',
    "en:SIN|S.I.N.|social insurance number|social insurance no.|SIN #;fr:NAS|numéro d'assurance sociale|no d'assurance sociale|n° d’assurance sociale",
    'sin|sin_number|social_insurance_number|employeeSin|nas',
    '### ### ###|###-###-###|######### ~ CA.sin',
  ),
  kind(
    'UK_NHS',
    'en:NHS number|NHS no.|NHS No|NHS|National Health Service number',
    'nhs_number|nhsNumber|nhs_no|patient_nhs',
    '### ### ####|###-###-####|########## ~ XX.nhs',
  ),
  kind(
    'UK_NINO',
    'en:NINO|NI number|National Insurance number|national insurance no.|N.I. number|NI no.',
    'nino|ni_number|national_insurance_number|niNumber',
    '@@ ## ## ## A|@@######C|@@ ###### B ~ GB.nino',
  ),
  kind(
    'UK_UTR',
    'en:UTR|Unique Taxpayer Reference|UTR number',
    'utr|utr_number',
    '##########|##### ##### ~ GB.utr',
  ),
  kind(
    'UK_DRIVING_LICENCE',
    'en:driving licence|driving licence number|DVLA driver number',
    'driving_licence|driving_licence_no',
    'MORGA#03054SM9IJ|SMITH#02125JA9AB',
  ),
  kind(
    'IE_PPS',
    'en:PPS number|PPSN|PPS no.|Personal Public Service Number',
    'ppsn|pps_number',
    '#######@|#######@A ~ IE.pps',
  ),
  kind(
    'DE_TAX_ID',
    'de:Steuer-ID|Steuer-IdNr.|IdNr.|Steueridentifikationsnummer|steuerliche Identifikationsnummer|Steuer-Identifikationsnummer|Steuer-Id-Nr.;en:German tax ID',
    'steuer_id|steuerIdNr|steueridentifikationsnummer|idnr|tax_id_de',
    '## ### ### ###|########### ~ DE.idnr',
  ),
  kind(
    'DE_SOCIAL_SECURITY',
    'de:Sozialversicherungsnummer|SV-Nummer|Rentenversicherungsnummer|Versicherungsnummer|RVNR|SV-Nr.',
    'sv_nummer|rvnr|sozialversicherungsnummer|rentenversicherungsnr',
    '##dmy@###|## dmy @ ### ~ DE.svnr',
  ),
  kind(
    'DE_ID_CARD',
    'de:Personalausweis|Personalausweisnummer|Ausweisnummer|Ausweis-Nr.|Perso-Nr.',
    'personalausweis|ausweisnummer|perso_nr',
    'L##X##T4#|T2200012#|LZ6311T47#',
  ),
  kind(
    'DE_HEALTH_INSURANCE',
    'de:Krankenversichertennummer|KVNR|Versichertennummer|Krankenversicherungsnummer|eGK-Nummer',
    'kvnr|versichertennummer|krankenversichertennr',
    'A123456780',
  ),
  kind(
    'DE_TAX_NUMBER',
    'de:Steuernummer|St.-Nr.|Steuer-Nr.|StNr',
    'steuernummer|st_nr|steuer_nr',
    '##/###/#####|###/####/####|###/###/#####|#############',
  ),
  kind(
    'DE_VAT_ID|VAT_NUMBER',
    'de:USt-IdNr.|Umsatzsteuer-ID|USt-ID;en:VAT ID',
    'ust_id|ustid|vat_id',
    'DE#########|DE ######### ~ DE.vat',
  ),
  kind(
    'FR_NIR',
    'fr:NIR|numéro de sécurité sociale|n° de sécurité sociale|no de sécu|numéro de sécu|numéro INSEE|n° sécu|immatriculation sécurité sociale;en:French social security number',
    'nir|num_secu|numero_securite_sociale|numeroSecu|no_ss',
    '1 y m 75 ### ### ##|1ym########## ~ FR.nir',
  ),
  kind(
    'FR_TAX_ID',
    'fr:numéro fiscal|numéro SPI|n° fiscal|référence fiscale',
    'numero_fiscal|spi|num_fiscal',
    '0# ## ### ### ###|0############ ~ FR.nif',
  ),
  kind(
    'FR_SIRET',
    'fr:SIRET|n° SIRET|numéro SIRET',
    'siret|num_siret',
    '### ### ### #####|############## ~ FR.siret',
  ),
  kind(
    'IT_FISCAL_CODE',
    'it:codice fiscale|C.F.|cod. fisc.|CF|codice fisc.;en:fiscal code',
    'codice_fiscale|cf|codiceFiscale|cod_fisc',
    'RSSMRA85T10A562S|MRTMTT91D08F205J|RCCMNL83S18D969H|VRDLGU70A41F205P',
  ),
  kind(
    'IT_VAT_CODE',
    'it:partita IVA|P.IVA|P. IVA|part. IVA|PIVA',
    'partita_iva|piva|p_iva',
    '########### ~ IT.iva',
  ),
  kind(
    'ES_NIF',
    'es:DNI|NIF|D.N.I.|documento nacional de identidad|N.I.F.|DNI n.º|número de DNI',
    'dni|nif|dni_nif|num_dni|numeroDni',
    '########@|########-@ ~ ES.dni',
  ),
  kind(
    'ES_NIE',
    'es:NIE|N.I.E.|número de identidad de extranjero|número de extranjero',
    'nie|num_nie',
    'X#######@|Y#######@|Z-#######-@ ~ ES.nie',
  ),
  kind(
    'PT_NIF',
    'pt:NIF|contribuinte|número de contribuinte|contribuinte n.º|número de identificação fiscal|N.I.F.',
    'nif|contribuinte|num_contribuinte',
    '### ### ###|2######## ~ PT.nif',
  ),
  kind(
    'NL_BSN',
    'nl:BSN|burgerservicenummer|sofinummer|BSN-nummer|BSN nr.|sofi-nummer',
    'bsn|burgerservicenummer|bsn_nummer',
    '#########|####.##.###|### ### ### ~ NL.bsn',
  ),
  kind(
    'BE_NATIONAL_NUMBER',
    'nl:rijksregisternummer|RRN|INSZ-nummer|rijksregister nr.;fr:numéro national|numéro de registre national|NISS|n° national|numéro NISS',
    'rijksregisternummer|insz|niss|numero_national|rrn_be',
    'y.m.d-###.##|ymd ### ##|ymd##### ~ BE.nn',
  ),
  kind(
    'LU_MATRICULE',
    'fr:matricule|numéro matricule|matricule national',
    'matricule|matricule_nr',
    '1893120105732',
  ),
  kind(
    'PL_PESEL',
    'pl:PESEL|numer PESEL|nr PESEL|PESEL-u',
    'pesel|nr_pesel|numerPesel',
    'ymd##### ~ PL.pesel',
  ),
  kind(
    'PL_NIP',
    'pl:NIP|numer NIP|nr NIP|numer identyfikacji podatkowej',
    'nip|nr_nip',
    '###-###-##-##|########## ~ PL.nip',
  ),
  kind(
    'CZ_BIRTH_NUMBER',
    'cs:rodné číslo|r. č.|rč|RČ|rod. č.;sk:rodné číslo|rodného čísla',
    'rodne_cislo|rc|rodneCislo',
    'ymd/####|ymd#### ~ CZ.rc',
  ),
  kind(
    'RO_CNP',
    'ro:CNP|cod numeric personal|codul numeric personal',
    'cnp|cod_numeric_personal',
    '1ymd40#### ~ RO.cnp',
  ),
  kind('BG_EGN', 'bg:ЕГН|единен граждански номер', 'egn|egn_number', 'ymd#### ~ BG.egn'),
  kind('HR_OIB', 'hr:OIB|osobni identifikacijski broj', 'oib|oib_broj', '########### ~ HR.oib'),
  kind(
    'RS_JMBG',
    'sr:JMBG|ЈМБГ|matični broj|jedinstveni matični broj;sl:EMŠO',
    'jmbg|maticni_broj|emso',
    'dm9##71#### ~ RS.jmbg',
  ),
  kind(
    'HU_TAJ',
    'hu:TAJ|TAJ-szám|TAJ szám|társadalombiztosítási azonosító jel',
    'taj|taj_szam|tajSzam',
    '111 111 110|037 687 210|037687210',
  ),
  kind(
    'HU_TAX_ID',
    'hu:adóazonosító jel|adóazonosító|adóazonosító szám',
    'adoazonosito|adoazonosito_jel',
    '8071592153',
  ),
  kind(
    'SE_PERSONNUMMER',
    'sv:personnummer|personnr|pers.nr|personnr.|samordningsnummer',
    'personnummer|personnr|person_nr|pnr',
    'ymd-####|19ymd-####|19ymd#### ~ SE.personnummer',
  ),
  kind(
    'SE_ORGANISATIONSNUMMER',
    'sv:organisationsnummer|org.nr|orgnr|org nr.',
    'organisationsnummer|org_nr',
    '556###-#### ~ SE.orgnr',
  ),
  kind(
    'NO_FODSELSNUMMER',
    'nb:fødselsnummer|fødselsnr|fnr|personnummer|fødselsnr.',
    'fodselsnummer|fnr|foedselsnummer',
    'dmy#####|dmy ##### ~ NO.fodselsnummer',
  ),
  kind(
    'DK_CPR',
    'da:CPR|CPR-nummer|CPR-nr.|cpr-nr|cpr.nr|personnummer',
    'cpr|cpr_nummer|cprNr',
    'dmy-####|dmy#### ~ DK.cpr',
  ),
  kind(
    'FI_PERSONAL_IDENTITY_CODE',
    'fi:henkilötunnus|hetu|henkilötunnukseni|sotu;sv:personbeteckning',
    'hetu|henkilotunnus',
    'dmy-###@|dmyA###@ ~ FI.hetu',
  ),
  kind('IS_KENNITALA', 'is:kennitala|kt.|kennitölu', 'kennitala|kt', 'dmy-####|dmy#### ~ IS.kennitala'),
  kind(
    'EE_ISIKUKOOD',
    'et:isikukood|isikukoodi|IK;lt:asmens kodas|asmens kodą',
    'isikukood|asmens_kodas',
    '3ymd#### ~ EE.ik',
  ),
  kind(
    'LV_PERSONAS_KODS',
    'lv:personas kods|personas kodu|p.k.',
    'personas_kods',
    '161175-19997|161175-19997',
  ),
  kind(
    'CH_AHV',
    'de:AHV-Nummer|AHV-Nr.|AHV|Sozialversicherungsnummer (AHV);fr:numéro AVS|n° AVS|AVS;it:numero AVS',
    'ahv_nr|ahv|avs_number|ahvNummer',
    '756.####.####.##|756########## ~ CH.ssn',
  ),
  kind(
    'AT_SVNR',
    'de:Sozialversicherungsnummer|SVNR|SV-Nummer|SV-Nr.|Versicherungsnummer',
    'svnr|sv_nr|sozialversicherungsnr',
    '####dmy|#### dmy ~ AT.vnr',
  ),
  kind('GR_AMKA', 'el:ΑΜΚΑ|Α.Μ.Κ.Α.|αριθμός ΑΜΚΑ;en:AMKA', 'amka|amka_no', 'dmy##### ~ GR.amka'),
  kind('GR_TIN', 'el:ΑΦΜ|Α.Φ.Μ.;en:AFM', 'afm|afm_no', '######### ~ GR.vat'),
  kind(
    'TR_NATIONAL_ID',
    'tr:TC Kimlik No|T.C. Kimlik Numarası|TCKN|kimlik numarası|kimlik numaram|T.C. kimlik no',
    'tckn|tc_kimlik_no|kimlik_no|tcKimlik',
    '########### ~ TR.tckimlik',
  ),
  kind(
    'RU_SNILS',
    'ru:СНИЛС|номер СНИЛС|страховой номер',
    'snils|snils_number',
    '112-233-445 95|087-654-303 00|11223344595',
  ),
  kind('RU_INN', 'ru:ИНН|номер ИНН;en:INN', 'inn|inn_number', '############ ~ RU.inn'),
  kind(
    'RU_PASSPORT',
    'ru:паспорт|серия и номер паспорта|паспорт серия|паспорта',
    'passport_rf|passport_series_number',
    '45 10 ######|4510 ######',
  ),
  kind(
    'UA_RNTRC',
    'uk:РНОКПП|ІПН|ідентифікаційний код|податковий номер',
    'rnokpp|ipn|inn_ua|rntrc',
    '########## ~ UA.rntrc',
  ),
  kind('KZ_IIN', 'ru:ИИН;kk:ЖСН', 'iin|iin_number', '850101300007'),
  kind(
    'IL_ID',
    'he:תעודת זהות|ת.ז.|ת"ז|מספר זהות|מס\' זהות;en:teudat zehut|Israeli ID',
    'teudat_zehut|israeli_id|tz|mispar_zehut',
    '######### ~ IL.idnr',
  ),
  kind(
    'ZA_ID_NUMBER',
    'en:South African ID|SA ID number|RSA ID|ID number|identity number|ID no.',
    'za_id|sa_id_number|rsa_id|id_number',
    'ymd####08#|ymd #### 08# ~ ZA.idnr',
  ),
  kind(
    'NG_NIN',
    'en:NIN|national identification number|NIMC NIN',
    'nin|nin_number',
    '########### ~ XX.verhoeff',
  ),
  kind(
    'EG_NATIONAL_ID',
    'ar:الرقم القومي|رقم البطاقة;en:Egyptian national ID',
    'egypt_national_id|raqam_qawmi',
    '2ymd01#####',
  ),
  kind(
    'SA_NATIONAL_ID',
    'ar:رقم الهوية|رقم الإقامة|الهوية الوطنية;en:Iqama number|Iqama',
    'iqama|saudi_id|iqama_no',
    '1000000008',
  ),
  kind(
    'AE_EMIRATES_ID',
    'en:Emirates ID|EID;ar:رقم الهوية الإماراتية',
    'emirates_id|eid',
    '784-1990-1234567-6|784199012345676',
  ),
  kind(
    'IN_AADHAAR',
    'en:Aadhaar|Aadhaar number|Aadhaar no.|Aadhar card|UIDAI|UID no.;hi:आधार|आधार नंबर|आधार संख्या',
    'aadhaar|aadhaar_no|aadhar_number|uid_no',
    '#### #### ####|############|####-####-#### ~ IN.aadhaar',
  ),
  kind(
    'IN_PAN',
    'en:PAN|PAN card|PAN no.|permanent account number;hi:पैन|पैन नंबर',
    'pan|pan_no|pan_number',
    'ABCPE####F|AAAPL####C|BNZPM####K',
  ),
  kind(
    'IN_VOTER',
    'en:voter ID|EPIC no.|voter card;hi:मतदाता पहचान पत्र',
    'voter_id|epic_no',
    'KSD12#####|ABC#######',
  ),
  kind('IN_GSTIN', 'en:GSTIN|GST number|GST no.', 'gstin|gst_no', '27AAPFU0939F1ZV|29AAGCB7383J1Z4'),
  kind(
    'PK_CNIC',
    'en:CNIC|CNIC no.|NADRA ID;ur:شناختی کارڈ',
    'cnic|cnic_no',
    '34201-#######-3|42101-#######-5|34201#######7',
  ),
  kind('BD_NID', 'bn:জাতীয় পরিচয়পত্র|এনআইডি;en:NID|NID number', 'nid|nid_number', '##########|19###########'),
  kind('LK_NIC', 'en:NIC|NIC number|national identity card', 'nic|nic_no', '85#######V|19##########'),
  kind(
    'CN_RESIDENT_ID',
    'zh:身份证|身份证号|身份证号码|居民身份证|公民身份号码',
    'id_card|shenfenzheng|resident_id|sfz',
    '11010519ymd####|31010419ymd#### ~ CN.ric',
  ),
  kind(
    'TW_ID',
    'zh:身分證|身分證字號|國民身分證;en:Taiwan ID',
    'taiwan_id|tw_id',
    '@1########|@2######## ~ TW.natid',
  ),
  kind(
    'HK_ID',
    'zh:香港身份證|香港身份證號碼;en:HKID|HKID no.|Hong Kong ID',
    'hkid|hkid_no',
    '@######(#) ~ HK.hkid',
  ),
  kind(
    'JP_MY_NUMBER',
    'ja:マイナンバー|個人番号;en:My Number|Individual Number',
    'my_number|mynumber|kojin_bango',
    '123456789018|1234 5678 9018',
  ),
  kind(
    'KR_RRN',
    'ko:주민등록번호|주민번호|주민등록 번호;en:RRN',
    'rrn|jumin|resident_registration_number|jumin_no',
    'ymd-1######|ymd1###### ~ KR.rrn',
  ),
  kind(
    'TH_TNIN',
    'th:เลขประจำตัวประชาชน|เลขบัตรประชาชน|บัตรประชาชน;en:Thai ID|Thai national ID',
    'thai_id|citizen_id|thai_citizen_id',
    '1-####-#####-##-#|1############ ~ TH.idnr',
  ),
  kind(
    'MY_NRIC|SG_NRIC_FIN',
    'en:MyKad|NRIC|IC number|IC no.;ms:nombor kad pengenalan|No. KP|kad pengenalan',
    'mykad|nric|ic_no|no_kp',
    'ymd-01-####|ymd01#### ~ MY.nric',
  ),
  kind(
    'SG_NRIC_FIN',
    'en:NRIC|NRIC no.|FIN|FIN number',
    'nric|fin|nric_fin|nric_no',
    'S1234567D|F1234567N|T1234567J',
  ),
  kind(
    'ID_NIK',
    'id:NIK|nomor induk kependudukan|No. KTP|nomor KTP',
    'nik|no_ktp|nomor_ktp',
    '317101dm450001|3171011708450001|3273010101900002',
  ),
  kind(
    'PH_TIN',
    'en:TIN|BIR TIN|taxpayer identification number',
    'tin|tin_no',
    '123-456-7##-000|2##-456-789',
  ),
  kind(
    'VN_CCCD',
    'vi:CCCD|số CCCD|căn cước công dân|số căn cước|CMND',
    'cccd|so_cccd|can_cuoc',
    '001090######|079185######',
  ),
  kind(
    'AU_TFN',
    'en:TFN|tax file number|tax file no.|TFN no.',
    'tfn|tax_file_number',
    '### ### ###|######### ~ AU.tfn',
  ),
  kind(
    'AU_MEDICARE',
    'en:Medicare|Medicare number|Medicare card|Medicare card no.',
    'medicare|medicare_no|medicare_number',
    '2123 45670 1|2123456701',
  ),
  kind(
    'AU_ABN',
    'en:ABN|Australian Business Number',
    'abn|abn_number',
    '## ### ### ###|########### ~ AU.abn',
  ),
  kind(
    'NZ_IRD',
    'en:IRD number|IRD no.|IRD|Inland Revenue number',
    'ird|ird_number|ird_no',
    '###-###-###|######### ~ NZ.ird',
  ),
  kind(
    'BR_CPF',
    'pt:CPF|C.P.F.|CPF nº|número do CPF|cadastro de pessoa física',
    'cpf|nr_cpf|cpf_cliente|numeroCpf',
    '###.###.###-##|###########|######### ## ~ BR.cpf',
  ),
  kind(
    'BR_CNPJ',
    'pt:CNPJ|CNPJ nº|C.N.P.J.',
    'cnpj|nr_cnpj',
    '##.###.###/0001-##|##########0001## ~ BR.cnpj',
  ),
  kind('BR_PIS', 'pt:PIS|PIS/PASEP|NIS|número do PIS', 'pis|pis_pasep|nis', '120.56412.54-5|12056412545'),
  kind(
    'BR_TITULO_ELEITOR',
    'pt:título de eleitor|título eleitoral',
    'titulo_eleitor|titulo_eleitoral',
    '1023 4567 8901|004356870906',
  ),
  kind(
    'AR_DNI|PE_DNI',
    'es:DNI|D.N.I.|documento|número de documento',
    'dni|nro_documento',
    '##.###.###|2#######',
  ),
  kind(
    'AR_CUIT',
    'es:CUIT|CUIL|nro. de CUIT|CUIT/CUIL',
    'cuit|cuil|nro_cuit',
    '20-########-#|27-########-#|20######### ~ AR.cuit',
  ),
  kind(
    'CL_RUT',
    'es:RUT|RUN|R.U.T.|rol único tributario|cédula RUT',
    'rut|run|rut_cliente',
    '##.###.###-#|########-# ~ CL.rut',
  ),
  kind(
    'CO_CEDULA|EC_CEDULA|DO_CEDULA',
    'es:cédula|C.C.|cédula de ciudadanía|CC No.|c.c. nro.',
    'cedula|cedula_ciudadania|num_cedula',
    '1.020.304.###|52.###.###|10203#####',
  ),
  kind('CO_NIT', 'es:NIT|NIT n.º|N.I.T.', 'nit|num_nit', '###.###.###-#|#########-# ~ CO.nit'),
  kind(
    'EC_CEDULA|CO_CEDULA',
    'es:cédula|cédula de identidad|C.I.|número de cédula',
    'cedula|num_cedula|cedula_ec',
    '1#########|1########-# ~ EC.ci',
  ),
  kind(
    'UY_CI',
    'es:cédula|C.I.|cédula de identidad',
    'ci|uy_ci|cedula_uy',
    '#.###.###-#|#######-# ~ UY.cedula',
  ),
  kind(
    'MX_CURP',
    'es:CURP|clave CURP|clave única de registro',
    'curp|clave_curp',
    'BOXWymdHNERXN0# ~ MX.curp',
  ),
  kind(
    'MX_RFC',
    'es:RFC|R.F.C.|registro federal de contribuyentes',
    'rfc|rfc_cliente',
    'GODE561231GR8|XAXX010101AB1|VECJ880326QX4',
  ),
  kind(
    'MX_NSS|US_SSN',
    'es:NSS|número de seguro social|número de seguridad social|IMSS',
    'nss|num_seguro_social',
    '92919084431|12 98 76 5432 1',
  ),
  kind(
    'MX_CLABE',
    'es:CLABE|cuenta CLABE|CLABE interbancaria',
    'clabe|clabe_interbancaria',
    '002############### ~ MX.clabe',
  ),
  kind('VE_RIF', 'es:RIF|R.I.F.|número de RIF', 'rif|num_rif', 'V-########-#|J######### ~ VE.rif'),
  kind(
    'DO_CEDULA|EC_CEDULA',
    'es:cédula|cédula de identidad y electoral',
    'cedula|cedula_rd',
    '###-#######-# ~ DO.cedula',
  ),
  kind(
    'US_NPI',
    'en:NPI|NPI number|National Provider Identifier|provider NPI|NPI no.',
    'npi|npi_number|provider_npi',
    '1245319599|1003000126|1679576722',
  ),
  kind(
    'US_MBI',
    'en:MBI|Medicare Beneficiary Identifier|Medicare number|Medicare ID',
    'mbi|medicare_id',
    '1EG4-TE5-MK73|1EG4TE5MK73|9AA9-AA9-AA99',
  ),
  kind(
    'MEDICAL_LICENSE',
    'en:DEA number|DEA no.|DEA|DEA registration',
    'dea|dea_number|prescriber_dea',
    'AB1234563|BS8800112|FM2481358',
  ),
  kind(
    'ABA_ROUTING_NUMBER',
    'en:routing number|ABA|ABA routing number|routing no.|RTN|routing #|ABA number',
    'routing_number|aba|rtn|bank_routing',
    '021000021|026009593|121000248|322271627',
  ),
  kind(
    'US_BANK_NUMBER',
    'en:account number|bank account|account no.|acct #|checking account|savings account number;de:Kontonummer;fr:numéro de compte;es:número de cuenta',
    'account_number|bank_account|acct_no|bankAccountNumber',
    '94#######|10#########|0045######|4##########',
  ),
  kind(
    'US_EIN|US_ITIN|US_SSN',
    'en:EIN|employer identification number|FEIN|Employer ID number',
    'ein|fein|employer_id_number',
    '91-#######|12-#######',
  ),
  kind(
    'US_PASSPORT|UK_PASSPORT|IN_PASSPORT',
    'en:passport|passport number|passport no.|US passport|passport #',
    'passport|passport_number|passport_no',
    '9########|A########|5########',
  ),
  kind(
    'UK_PASSPORT|US_PASSPORT|IT_PASSPORT',
    'en:UK passport|British passport|passport number',
    'uk_passport|passport_number',
    '9########|5########',
  ),
  kind(
    'US_DRIVER_LICENSE|LICENSE_PLATE',
    "en:driver's license|driver license number|DL|DL number|driver's licence|license no.|drivers license #",
    'driver_license|dl_number|drivers_license|license_number',
    'D#######|S###-####-####|#########|A#######|WDL#########|F######-###',
  ),
  kind(
    'MEDICAL_RECORD_NUMBER',
    'en:MRN|medical record number|patient ID|chart number|medical record no.|patient number',
    'mrn|patient_id|medical_record_number|chart_no',
    '########|MRN-#######|A#######',
  ),
  kind(
    'SWIFT_CODE',
    'en:SWIFT|BIC|SWIFT code|BIC code|SWIFT/BIC;de:BIC',
    'bic|swift|swift_code|bic_code',
    'DEUTDEFF500|BOFAUS3N|CHASUS33XXX|BARCGB22|BNPAFRPP',
  ),
  kind(
    'IMEI',
    'en:IMEI|IMEI number|device IMEI|handset IMEI',
    'imei|device_imei',
    '490154203237518|35-209900-176148-1|352099001761481',
  ),
  kind(
    'VIN',
    'en:VIN|chassis number|vehicle identification number|VIN number;de:Fahrgestellnummer|FIN',
    'vin|vehicle_vin|chassis_no',
    '1M8GDM9AXKP042788|1HGCM82633A004352|5YJSA1E14HF000337',
  ),
  kind('ICCID', 'en:ICCID|SIM card|SIM number', 'iccid|sim_iccid', '8944500102198304826|8901260222190123457'),
  kind(
    'AU_IHI',
    'en:IHI|Individual Healthcare Identifier',
    'ihi|ihi_number',
    '8003608833357361|8003 6088 3335 7361',
  ),
  kind(
    'CA_HEALTH_CARD',
    'en:health card|OHIP|health card number|PHN',
    'health_card|ohip|phn',
    '9123 456 782|9123456782|9123-456-782',
  ),
];
